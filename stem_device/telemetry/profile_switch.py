"""The one profile of a process: begun, ended and begun anew as settings say."""

from __future__ import annotations

from collections.abc import Callable

from stem_device.telemetry.profiling import Profile, new_profile
from stem_device.telemetry.settings import Profiler, Settings


class ProfileSwitch:
    """Not thread-safe: its owner serialises the calls. ``failed`` hears of errors."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._profile: Profile | None = None
        self._wanted: object = None

    def switch(self, settings: Settings, *, this_thread: bool) -> None:
        """Profile as ``settings`` say; what has been profiled otherwise is written."""
        wanted = (settings.profiler, settings.directory, settings.profiler_hertz)
        if not settings.telemetry or settings.profiler is Profiler.OFF:
            self.stop()
        elif self._profile is None or self._wanted != wanted:
            self.stop()
            self._wanted = wanted
            self._start(settings, this_thread=this_thread)

    def _start(self, settings: Settings, *, this_thread: bool) -> None:
        try:
            profile = new_profile(settings)
            if profile is not None:
                profile.start(this_thread=this_thread)
        except (ValueError, RuntimeError, ImportError) as error:  # another one is active, no more threads
            self._failed(error)
        else:
            self._profile = profile

    def stop(self) -> None:
        """Write the profile, if there is one."""
        profile, self._profile = self._profile, None
        if profile is not None:
            try:
                profile.stop()
            except (OSError, ValueError) as error:
                self._failed(error)

    def abandon(self) -> None:
        """After a fork: it is the parent's."""
        if self._profile is not None:
            self._profile.abandon()
