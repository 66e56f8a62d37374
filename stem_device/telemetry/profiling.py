"""Profiles: of every call, by cProfile, or of samples of all threads, for speedscope."""

from __future__ import annotations

import json
import os
import pstats
import sys
import threading
import time
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Protocol, cast

from stem_device.telemetry.names import PROFILER_FILE_PREFIX
from stem_device.telemetry.settings import Profiler, Settings

if TYPE_CHECKING:
    import cProfile

_SPEEDSCOPE = "https://www.speedscope.app/file-format-schema.json"
_DEEPEST = 200
_MOST_STACKS = 20_000
_MOST_PROFILES = 1000
"""Threads that are profiled; a server with a thread a request would fill the memory."""
_PER_THREAD = sys.version_info < (3, 12)
"""Before Python 3.12 a profile is of one thread; from then on one profile sees all threads."""


class Profile(Protocol):
    """A profile that is being taken."""

    def start(self, *, this_thread: bool) -> None: ...

    def stop(self) -> Path: ...

    def abandon(self) -> None:
        """After a fork: it is the parent's."""


def new_profile(settings: Settings) -> Profile | None:
    """A profile as ``settings`` want it, not yet started. Raises ImportError where there is no cProfile."""
    base = settings.directory / f"{PROFILER_FILE_PREFIX}.{os.getpid()}"
    if settings.profiler is Profiler.CPROFILE:
        return EveryCall(_unused(base, "data"))
    if settings.profiler is Profiler.SAMPLING:
        return Sampled(_unused(base, "speedscope.json"), settings.profiler_hertz)
    return None


def _unused(base: Path, ending: str) -> Path:
    """With a number where a process is profiled again, or another one has the same PID (in containers)."""
    path = base.with_name(f"{base.name}.{ending}")
    for number in count(2):
        if not path.exists():
            break
        path = base.with_name(f"{base.name}.{number}.{ending}")
    return path


class _Counted:
    """What ``pstats.Stats`` takes: the numbers of a profile that may still be running in another thread."""

    def __init__(self, profile: cProfile.Profile) -> None:
        profile.snapshot_stats()
        self.stats: dict[Any, Any] = profile.stats

    def create_stats(self) -> None:
        """They are there."""


class EveryCall:
    """cProfile in the thread that starts it, and in each that begins later; written by :meth:`stop`."""

    def __init__(self, path: Path) -> None:
        import cProfile  # noqa: PLC0415 - a subinterpreter of Python 3.12 cannot, and needs the rest

        self._path = path
        self._made = cProfile.Profile
        self._profiles: list[cProfile.Profile] = []
        self._mine: cProfile.Profile | None = None

    def start(self, *, this_thread: bool) -> None:
        """Raises ValueError where another profiler is active."""
        if _PER_THREAD:
            threading.setprofile(self._new_thread)
        if this_thread or not _PER_THREAD:
            self._mine = self._profile()

    def _profile(self) -> cProfile.Profile:
        profile = self._made()
        self._profiles.append(profile)
        profile.enable()
        return profile

    def _new_thread(self, _frame: FrameType, _event: str, _argument: object) -> None:
        if len(self._profiles) < _MOST_PROFILES:
            self._profile()
        else:
            sys.setprofile(None)

    def abandon(self) -> None:
        if _PER_THREAD:
            threading.setprofile(None)
        for profile in self._profiles:
            profile.disable()

    def stop(self) -> Path:
        if _PER_THREAD:
            threading.setprofile(None)
        if self._mine is not None:
            self._mine.disable()
        stats = pstats.Stats()
        for counted in map(_Counted, list(self._profiles)):
            if counted.stats:
                stats.add(cast("cProfile.Profile", counted))
        part = self._path.with_suffix(".part")
        stats.dump_stats(part)
        return part.replace(self._path)


class Sampled:
    """Looks at the stacks of all threads ``hertz`` times a second, from a thread of its own.

    Equal stacks are one, with the time of all: memory does not grow with time. What goes beyond
    20,000 stacks is under the name "(more stacks)".
    """

    def __init__(self, path: Path, hertz: float) -> None:
        self._path = path
        self._seconds = 1 / hertz
        self._stacks: dict[tuple[str, tuple[CodeType, ...]], float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stem-telemetry-sampling", daemon=True)

    def start(self, *, this_thread: bool) -> None:  # noqa: ARG002 - sees all threads
        self._thread.start()

    def stop(self) -> Path:
        self._stopping.set()
        self._thread.join(timeout=5)
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self.document()))
        return part.replace(self._path)

    def abandon(self) -> None:
        """The thread that looks has stayed behind."""

    def _run(self) -> None:
        before = time.perf_counter()
        while not self._stopping.wait(self._seconds):
            now = time.perf_counter()
            self._look(now - before)
            before = now

    def _look(self, seconds: float) -> None:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        mine = threading.get_ident()
        for ident, frame in sys._current_frames().items():
            if ident == mine:
                continue
            name = names.get(ident, str(ident))
            key = (name, _stack(frame))
            if key not in self._stacks and len(self._stacks) >= _MOST_STACKS:
                key = (name, ())
            self._stacks[key] = self._stacks.get(key, 0.0) + seconds

    def document(self) -> dict[str, Any]:
        """As https://www.speedscope.app/file-format-schema.json has it: one profile a thread, seconds."""
        frames: dict[tuple[str, str, int], int] = {}
        threads: dict[str, list[tuple[list[int], float]]] = {}
        for (name, stack), seconds in list(self._stacks.items()):
            keys = [(code.co_qualname, code.co_filename, code.co_firstlineno) for code in stack]
            indices = [frames.setdefault(key, len(frames)) for key in keys or [("(more stacks)", "", 0)]]
            threads.setdefault(name, []).append((indices, seconds))
        return {
            "$schema": _SPEEDSCOPE,
            "exporter": "stem-device",
            "name": f"process {os.getpid()}",
            "activeProfileIndex": 0,
            "shared": {"frames": [{"name": name, "file": file, "line": line} for name, file, line in frames]},
            "profiles": [_profile(name, stacks) for name, stacks in threads.items()],
        }


def _profile(name: str, stacks: list[tuple[list[int], float]]) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": name,
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(seconds for _, seconds in stacks),
        "samples": [indices for indices, _ in stacks],
        "weights": [seconds for _, seconds in stacks],
    }


def _stack(frame: FrameType | None) -> tuple[CodeType, ...]:
    """Outermost first; of a very deep one the innermost frames."""
    codes: list[CodeType] = []
    while frame is not None and len(codes) < _DEEPEST:
        codes.append(frame.f_code)
        frame = frame.f_back
    return tuple(reversed(codes))
