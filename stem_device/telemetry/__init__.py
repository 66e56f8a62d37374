"""Telemetry of a process: how long things take, and how busy it is. Standard library only.

``start(directory)`` is all that a program needs; files are written in the background and lost by nothing but
SIGKILL, and then at most those of ``flush_seconds``. See docs/reference/telemetry.md.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stem_device.errors import TelemetryError
from stem_device.telemetry.buffer import start_duration_sample, stop_duration_sample
from stem_device.telemetry.health import Health
from stem_device.telemetry.names import DURATION_FILE_PREFIX, PROFILER_FILE_PREFIX, RUNTIME_FILE_PREFIX
from stem_device.telemetry.processes import EXIT_SECONDS, Hooks
from stem_device.telemetry.session import Session
from stem_device.telemetry.settings import CONTROL_FILE, MIB, Settings, profiler_of
from stem_device.telemetry.timing import time_it

if TYPE_CHECKING:
    # Made by a package above this one: see __getattr__.
    AnalysisClient: Any
    from stem_device.telemetry.metrics import MetricsHealth, Telemetry
    from stem_device.telemetry.reading import TelemetryDB, open_telemetry

__all__ = [
    "CONTROL_FILE",
    "DURATION_FILE_PREFIX",
    "PROFILER_FILE_PREFIX",
    "RUNTIME_FILE_PREFIX",
    "AnalysisClient",
    "Health",
    "MetricsHealth",
    "Telemetry",
    "TelemetryDB",
    "TelemetryError",
    "flush",
    "health",
    "open_telemetry",
    "start",
    "start_duration_sample",
    "stats",
    "stop",
    "stop_duration_sample",
    "time_it",
    "watch_event_loop",
]

_session = Session()
_hooks = Hooks(_session)


def start(
    monitoring_dir: str | os.PathLike[str],
    with_runtime: bool = False,
    with_profiler: bool | str = False,
    *,
    flush_seconds: float = 1.0,
    flush_bytes: int = MIB // 4,
    memory_bytes: int = MIB,
    file_bytes: int = 16 * MIB,
    profiler_hertz: float = 100.0,
    handle_sigterm: bool = True,
) -> None:
    """Collect from now on, into files in ``monitoring_dir``, which is made if it is not there.

    ``with_runtime`` adds metrics of the process once a second, ``with_profiler`` a profile: True or
    "cprofile" of every call, "sampling" of samples of all threads. May be called again, with other arguments.
    Raises TelemetryError for arguments that make no sense, and where the directory cannot be written.
    """
    settings = Settings(
        directory=_directory(monitoring_dir),
        runtime=bool(with_runtime),
        profiler=profiler_of(with_profiler),
        flush_seconds=flush_seconds,
        flush_bytes=flush_bytes,
        memory_bytes=memory_bytes,
        file_bytes=file_bytes,
        profiler_hertz=profiler_hertz,
    )
    _hooks.register(handle_sigterm=handle_sigterm)  # first: a fork from here on must not inherit locks
    _session.apply(settings)


def _directory(path: str | os.PathLike[str]) -> Path:
    """Absolute: the program may change its directory later."""
    directory = Path(path).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TelemetryError(str(directory), f"cannot be made: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise TelemetryError(str(directory), "cannot be written")
    return directory


def stop() -> None:
    """Write what there is and stop; files are complete when it returns. Harmless while telemetry is off."""
    _session.end(EXIT_SECONDS)
    _hooks.unregister()


def flush(limit_seconds: float = EXIT_SECONDS) -> bool:
    """Have all that was collected written now; False if that took longer than ``limit_seconds``."""
    return _session.flush(limit_seconds)


def health() -> Health:
    """How the collecting itself is doing in this process: what was written, what was lost and why."""
    return _session.health()


def stats() -> dict[str, Any]:
    """:func:`health` as a dictionary."""
    found = _session.health()
    return {name: getattr(found, name) for name in Health.__dataclass_fields__}


def watch_event_loop(loop: Any = None) -> None:
    """Measure once a second how long callbacks wait in ``loop``, the running one unless given.

    Part of the runtime metrics: nothing is measured without them.
    """
    if loop is None:
        import asyncio  # noqa: PLC0415 - takes longer to import than all of this

        loop = asyncio.get_running_loop()
    _session.runtime.loops.watch(loop)


def startup_folder() -> str:
    """In front of PYTHONPATH, it starts telemetry in every Python process, as the environment says."""
    return str(Path(__file__).parent / "startup")


def __getattr__(name: str) -> Any:
    """What reads files or speaks to a monitor is imported when it is first asked for."""
    if name == "AnalysisClient":
        # By name, as plug-ins are: it needs more than the standard library, and stands above this package.
        return importlib.import_module("stem_device.client.analysis").AnalysisClient
    if name in {"MetricsHealth", "Telemetry"}:
        from stem_device.telemetry import metrics  # noqa: PLC0415

        return getattr(metrics, name)
    if name in {"TelemetryDB", "open_telemetry"}:
        from stem_device.telemetry import reading  # noqa: PLC0415

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
