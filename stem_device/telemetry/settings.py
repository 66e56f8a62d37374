"""What a process was asked to collect, and the file by which somebody outside asks for something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path

from stem_device.errors import TelemetryError

CONTROL_FILE = "telemetry.control"
"""In the directory of the files, for all processes; ``telemetry.<pid>.control`` for one."""

MIB = 1 << 20
SMALLEST_BUFFER = 1 << 14
SMALLEST_FILE = 1 << 10
"""Smaller ones would be one a sample."""
_MOST_CONTROL_BYTES = 1 << 16
_MOST_HERTZ = 1000.0
"""Looks of a profiler in a second. With more there is no time between them: each looks at every frame of
every thread, and the program that is looked at stands still meanwhile."""


class Profiler(StrEnum):
    """How to profile: every call (``cProfile``), or by looking at all threads now and then."""

    OFF = "off"
    CPROFILE = "cprofile"
    SAMPLING = "sampling"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. Raises TelemetryError where a value makes no sense."""

    directory: Path
    telemetry: bool = True
    runtime: bool = False
    profiler: Profiler = Profiler.OFF
    flush_seconds: float = 1.0
    flush_bytes: int = MIB // 4
    memory_bytes: int = MIB
    file_bytes: int = 16 * MIB
    profiler_hertz: float = 100.0

    def __post_init__(self) -> None:
        _in_range("flush_seconds", self.flush_seconds, 0.01, 3600.0)
        _in_range("memory_bytes", self.memory_bytes, SMALLEST_BUFFER, 1 << 40)
        _in_range("flush_bytes", self.flush_bytes, 1, 1 << 40)
        _in_range("file_bytes", self.file_bytes, SMALLEST_FILE, 1 << 50)
        _in_range("profiler_hertz", self.profiler_hertz, 0.1, _MOST_HERTZ)


def _in_range(name: str, value: float, least: float, most: float) -> None:
    if not isinstance(value, int | float) or not least <= value <= most:
        raise TelemetryError(name, f"must be a number from {least:g} to {most:g}, and is {value!r}")


def profiler_of(value: object) -> Profiler:
    """The profiler that ``with_profiler`` asks for: False, True (cProfile) or the name of one."""
    if isinstance(value, bool):
        return Profiler.CPROFILE if value else Profiler.OFF
    try:
        return Profiler(str(value).lower())
    except ValueError:
        names = ", ".join(Profiler)
        raise TelemetryError(
            "with_profiler", f"must be False, True or one of {names}, and is {value!r}"
        ) from None


def controlled(settings: Settings, pid: int) -> Settings:
    """``settings`` with what the control files say instead. Raises TelemetryError, naming file and line."""
    for name in (CONTROL_FILE, f"telemetry.{pid}.control"):
        path = settings.directory / name
        for number, key, text in _entries(path):
            try:
                settings = replace(settings, **{key: _value(key, text)})  # type: ignore[arg-type]
            except (ValueError, TelemetryError) as error:
                raise TelemetryError(f"{path}, line {number}", str(error)) from None
    return settings


def _entries(path: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.partition("#")[0].replace("=", " ").split()
        if words:
            yield number, words[0].lower(), " ".join(words[1:]).lower()


def _text(path: Path) -> str:
    """The text of ``path``, empty where there is no such file. A pipe is an error: it would hold us up."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise TelemetryError(str(path), f"cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise TelemetryError(str(path), "is not a plain file")
        return os.read(fd, _MOST_CONTROL_BYTES).decode("utf-8", "replace")
    finally:
        os.close(fd)


_SWITCHES = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}
_SETTABLE = {field.name for field in fields(Settings)} - {"directory"}


def _value(key: str, text: str) -> object:
    if key not in _SETTABLE:
        raise ValueError(f"{key!r} is not one of {', '.join(sorted(_SETTABLE))}")
    if key == "profiler":
        return Profiler.CPROFILE if text in {"on", "true", "1"} else profiler_of(text)
    if key in {"telemetry", "runtime"}:
        if text not in _SWITCHES:
            raise ValueError(f"{key} must be on or off, and is {text!r}")
        return _SWITCHES[text]
    return float(text) if key in {"flush_seconds", "profiler_hertz"} else int(text)
