"""What a check has to say about a file."""

from __future__ import annotations

import enum

from msgspec import Struct


class Severity(enum.StrEnum):
    """A violation breaks the format; a note is legal, and worth knowing."""

    VIOLATION = "violation"
    NOTE = "note"


class Finding(Struct, frozen=True):
    """One sentence about one place. ``check`` is the name of the check, ``where`` a path inside the file."""

    check: str
    where: str
    message: str
    severity: Severity = Severity.VIOLATION


def note(check: str, where: str, message: str) -> Finding:
    """What is legal, and worth knowing."""
    return Finding(check, where, message, Severity.NOTE)
