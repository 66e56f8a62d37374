"""Exit codes of ``stem``, and which error leads to which."""

from __future__ import annotations

import enum

from stem_device.errors import MarkError, MissingExtraError, OptionError, StemError


class ExitCode(enum.IntEnum):
    """Documented in docs/reference/command-line.md; scripts rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_TARGET = 3
    SOME_TARGETS = 4
    MISSING_EXTRA = 5
    WORSE = 6
    LOST = 7
    WAITING = 8
    UNKNOWN = 9


class FailOn(enum.StrEnum):
    """From which verdict on a command fails; each includes the ones before it."""

    LOST = "lost"
    WAITING = "waiting"
    UNKNOWN = "unknown"


def exit_code(error: StemError) -> ExitCode:
    """The exit code for an error that ends a command."""
    if isinstance(error, (OptionError, MarkError)):
        return ExitCode.USAGE
    if isinstance(error, MissingExtraError):
        return ExitCode.MISSING_EXTRA
    return ExitCode.FAILED
