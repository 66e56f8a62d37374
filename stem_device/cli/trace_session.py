"""What ``stem trace`` does, once its arguments are understood."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stem_device.cli.failures import tell
from stem_device.errors import OptionError, StemError, TelemetryError, shown_path
from stem_device.telemetry import startup_folder
from stem_device.telemetry.settings import profiler_of

if TYPE_CHECKING:
    from stem_device.client import MarkReply, RunMarker

_ENDINGS = (".csv", ".data", ".json")
"""Of durations, runtime metrics and profiles."""

SIGNALLED = 128
"""As shells have it: this and the number of the signal that ended the program."""


@dataclass(frozen=True, slots=True)
class TraceArguments:
    """The arguments of ``stem trace``. ``device`` is empty where no marks are wanted.

    ``about`` is what the marks tell of the run; None where it is not told.
    """

    command: list[str]
    directory: Path
    run: str | None
    device: str
    runtime: bool
    profiler: str
    about: Mapping[str, Any]


def run_trace(arguments: TraceArguments) -> int:
    """The exit code of the program. Raises TelemetryError and OptionError."""
    environment = _environment(arguments)
    program = Path(arguments.command[0]).name
    if shutil.which(arguments.command[0]) is None:
        raise TelemetryError(shown_path(arguments.command[0]), "there is no such program")
    run = arguments.run or f"{program} {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"
    marker = _marker(arguments.device)
    marked = marker is not None and _mark(marker.begin, run, **arguments.about)
    before = _files(arguments.directory)
    code = _run(arguments.command, environment)
    if marker is not None and marked:
        _mark(marker.end, run, **({"error": f"exit code {code}"} if code else {}))
    if _files(arguments.directory) - before:
        tell(f"telemetry of {program} is in {shown_path(arguments.directory)}")
    else:
        tell(f"no telemetry came of {program}: only Python collects it, and not with -E, -I or -S")
    return code


def _files(directory: Path) -> set[str]:
    """Of telemetry, by name; those that nothing is in yet have another ending."""
    with suppress(OSError):
        return {one.name for one in directory.iterdir() if one.name.endswith(_ENDINGS)}
    return set()


def _environment(arguments: TraceArguments) -> dict[str, str]:
    try:
        profiler = profiler_of(arguments.profiler)
    except TelemetryError as error:
        raise OptionError("--profiler", arguments.profiler, error.reason) from error
    try:
        arguments.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TelemetryError(str(arguments.directory), f"cannot be made: {error.strerror}") from error
    path = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": f"{startup_folder()}{os.pathsep}{path}" if path else startup_folder(),
        "STEM_TELEMETRY_DIRECTORY": str(arguments.directory.absolute()),
        "STEM_TELEMETRY_RUNTIME": str(int(arguments.runtime)),
        "STEM_TELEMETRY_PROFILER": str(profiler),
    }


def _marker(device: str) -> RunMarker | None:
    if not device:
        return None
    from stem_device.client import RunMarker  # noqa: PLC0415 - imports Tango

    return RunMarker(device)


def _mark(send: Callable[..., MarkReply], run: str, **told: Any) -> bool:
    """Whether the monitor took the mark."""
    try:
        reply = send(run, **told)
    except StemError as error:
        tell(f"the run is not marked: {error}")
        return False
    if not reply.recorded:
        tell(f"the mark is not recorded: {reply.reason}")
    return True


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Start it, hand SIGTERM on to it, and wait. Ctrl-C reaches it by itself, as it is in our group."""
    sys.stdout.flush()
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603 - what the user typed
    except OSError as error:
        raise TelemetryError(shown_path(command[0]), f"cannot be started: {error.strerror}") from error
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number)),
    }
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return SIGNALLED - code if code < 0 else code
