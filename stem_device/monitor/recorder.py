"""Recordings behind an outlet: polls wait for the disk in its queue, polling does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from stem_device.analysis.wording import stamp
from stem_device.errors import RecordingError, StemError
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.snapshot import Snapshot
from stem_device.outlets import Outlet
from stem_device.recording import RecordingContext, RecordingSession, RecordingStatus

NAME = "recording"


class QueuedRecorder:
    """Has Snapshots written by an outlet, a new one for each recording. Any thread may call the methods.

    ``failed`` is called, on the thread of the outlet, when a recording has failed. Polls that a recording
    lacks are an error in its status until ``hold_seconds`` after the last one.
    """

    def __init__(
        self, recordings: RecordingSession, failed: Callable[[], None], *, hold_seconds: float
    ) -> None:
        self._recordings = recordings
        self._failed = failed
        self._hold_ns = hold_seconds * 1e9
        self._lack = _Lack()
        self._changes = threading.Lock()
        self._outlet: Outlet[Snapshot] | None = None

    @property
    def status(self) -> RecordingStatus:
        """How the present or last recording is doing; ``polls`` are in the file."""
        status, lack = self._recordings.status, self._lack
        return replace(status, error=lack.error) if lack.error and not status.error else status

    @property
    def health(self) -> tuple[OutletHealth, ...]:
        """Of the outlet of the present or last recording, if there ever was one."""
        outlet = self._outlet
        return () if outlet is None else (outlet.health,)

    def start(self, label: str, context: Callable[[], RecordingContext], limit_seconds: float) -> Path:
        """Begin a recording and return its path; that of the present one if there is one.

        Raises RecordingError and MissingExtraError as ``RecordingSession.start`` does, and if the disk still
        holds up the recording before after ``limit_seconds``.
        """
        with self._changes:
            status = self._recordings.status
            if status.active and status.path is not None:
                return status.path
            if self._outlet is not None and not self._outlet.close(limit_seconds):
                raise RecordingError(
                    status.path or "", "close", "the disk does not answer; start again when it does"
                )
            path = self._recordings.start(label, context())
            self._lack = _Lack()
            self._outlet = Outlet(NAME, _Recording(self._recordings, self._failed))
            return path

    def hand_over(self, snapshot: Snapshot, limit_seconds: float) -> None:
        """Hand a Snapshot over to the disk if a recording is under way; see ``Outlet.hand_over``."""
        outlet = self._outlet
        if outlet is None:
            return
        if self._recordings.status.active:
            outlet.hand_over(snapshot, limit_seconds)
        self._note_lack(outlet, snapshot)

    def _note_lack(self, outlet: Outlet[Snapshot], snapshot: Snapshot) -> None:
        dropped, lack, now = outlet.health.dropped, self._lack, snapshot.monotonic_ns
        if dropped > lack.dropped:
            self._lack = _Lack(dropped, snapshot.time_utc_ns, now)
        elif lack.dropped and not lack.over and now - lack.last_monotonic_ns >= self._hold_ns:
            self._lack = replace(lack, over=True)

    def stop(self, limit_seconds: float) -> None:
        """Write what waits and end the recording; does nothing if there is none.

        A disk that does not let it end in time keeps what it has, and the status says so.
        """
        if not self._changes.acquire(timeout=limit_seconds):
            return  # one that cannot begin, on a disk that hangs
        try:
            outlet = self._outlet
            if outlet is None:
                return
            before = outlet.health.dropped
            if not outlet.close(limit_seconds) and self._recordings.status.active:
                lost = outlet.health.dropped - before
                self._recordings.give_up(
                    "the disk did not answer in time: the recording was not closed, and lacks its last polls"
                    f" ({lost} that waited are dropped)"
                )
        finally:
            self._changes.release()


@dataclass(frozen=True, slots=True)
class _Lack:
    """Polls that were dropped; the last of them when. ``over``: that is too long ago to be an error."""

    dropped: int = 0
    last_utc_ns: int = 0
    last_monotonic_ns: int = 0
    over: bool = False

    @property
    def error(self) -> str:
        if not self.dropped or self.over:
            return ""
        polls = "1 poll is" if self.dropped == 1 else f"{self.dropped} polls are"
        return (
            f"{polls} not in the recording, since the disk did not keep up; the last is that of "
            f"{stamp(self.last_utc_ns)} UTC"
        )


class _Recording:
    """One recording as a consumer."""

    def __init__(self, recordings: RecordingSession, failed: Callable[[], None]) -> None:
        self._recordings = recordings
        self._failed = failed
        self._told = False

    def take(self, snapshot: Snapshot) -> None:
        if self._recordings.write(snapshot):
            return
        if not self._told:
            self._told = True
            self._failed()
        raise StemError(self._recordings.status.error)

    def close(self) -> None:
        self._recordings.stop()
