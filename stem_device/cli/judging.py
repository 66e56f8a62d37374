"""What commands that judge have in common: a part of a recording, and the exit code of a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stem_device.analysis.verdict import Level
from stem_device.cli.exit_codes import ExitCode, FailOn
from stem_device.cli.moments import moment_of
from stem_device.errors import OptionError
from stem_device.reading import Recording
from stem_device.report.number_text import utc

_CODES = {Level.LOST: ExitCode.LOST, Level.WAITING: ExitCode.WAITING, Level.UNKNOWN: ExitCode.UNKNOWN}
_LEAST = {FailOn.LOST: Level.LOST, FailOn.WAITING: Level.WAITING, FailOn.UNKNOWN: Level.UNKNOWN}


def verdict_code(level: Level, fail_on: FailOn | None) -> ExitCode:
    """The exit code of a command that judges, and did all else."""
    if fail_on is None or level < _LEAST[fail_on]:
        return ExitCode.OK
    return _CODES[level]


def with_moments(recording: Recording, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """``chosen`` with its start and end as ``Recording.select`` takes them. Raises OptionError."""

    def span_ns() -> tuple[int, int]:
        times = recording["polls"]["time_utc_ns"]
        if not len(times):
            raise OptionError("selection", "-", "there is no poll in the recording to count from")
        return int(times.min()), int(times.max())

    return {
        name: moment_of(f"--{name}", value, span_ns) if name in {"start", "end"} and value else value
        for name, value in chosen.items()
    }


def selected_of(recording: Recording, chosen: Mapping[str, Any]) -> Recording:
    """``chosen`` are arguments of ``Recording.select``. Raises OptionError if no poll is left of it."""
    if not any(chosen.values()):
        return recording
    selected = recording.select(**with_moments(recording, chosen))
    if len(recording["polls"]) and not len(selected["polls"]):
        times = recording["polls"]["time_utc_ns"]
        told = ", ".join(f"{name} {value}" for name, value in chosen.items() if value)
        raise OptionError(
            "selection",
            told,
            f"there is no poll in it; there are {len(times):,} from {utc(int(times.min()))} to "
            f"{utc(int(times.max()))}",
        )
    return selected
