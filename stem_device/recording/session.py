"""Recordings one after the other, as commands start and stop them; each in as many files as it needs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stem_device.errors import RecordingError, StemError
from stem_device.model.clock import Clock, SystemClock
from stem_device.model.mark import Mark
from stem_device.model.options import RecordingOptions
from stem_device.model.snapshot import Snapshot
from stem_device.recording.disk_errors import explain
from stem_device.recording.hdf5 import Hdf5Recorder, new_recording
from stem_device.recording.layout import Part
from stem_device.recording.naming import candidates, own_recordings
from stem_device.recording.open_runs import OpenRuns
from stem_device.recording.recorder import Owner, RecordingContext, RecordingStatus

_log = logging.getLogger(__name__)


class RecordingSession:
    """Writes HDF5 recordings to ``RecordingDirectory``. Every method may be called from any thread.

    A file that has reached ``MaxRecordingBytes`` is followed by the next one of the same recording, before
    the next poll or mark. ``KeepRecordings`` counts files; the oldest of the same owner that nobody uses are
    removed whenever a file begins.
    A recording begins with the BEGIN of each run that is under way.
    """

    def __init__(self, options: RecordingOptions, *, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._turn = threading.Lock()
        self._status = RecordingStatus()
        self._telling = threading.Lock()
        self._given_up = ""
        self._recorder: Hdf5Recorder | None = None
        self._context = RecordingContext()
        self._part: Part | None = None
        self._closed_polls = 0
        self._closed_marks = 0
        self._closed_bytes = 0
        self._open_runs = OpenRuns()

    @property
    def status(self) -> RecordingStatus:
        """How the present or last recording is doing. Never waits for the disk."""
        return self._status

    def start(self, label: str, context: RecordingContext) -> Path:
        """Begin a recording and return its first file; the present file if one is under way.

        Raises RecordingError or MissingExtraError, which the status tells too.
        """
        with self._lock:
            if self._recorder is not None:
                return self._recorder.path
            self._context = replace(context, label=label)
            self._part = new_recording(self._clock)
            self._closed_polls = self._closed_marks = self._closed_bytes = 0
            self._given_up = ""
            self._show(RecordingStatus())
            try:
                recorder = self._open(self._part)
                for mark in self._open_runs:
                    recorder.write_mark(mark)
            except StemError as error:
                self._show(RecordingStatus(error=str(error)))
                raise
            self._recorder = recorder
            self._tell(recorder)
            self._prune(recorder.path)
            return recorder.path

    def write(self, snapshot: Snapshot) -> bool:
        """Append a Snapshot if a recording is under way; whether it was recorded, which is durable then.

        Never raises: see the status.
        """
        with self._in_turn():
            return self._append(lambda recorder: recorder.write(snapshot))

    def mark(self, mark: Mark) -> bool:
        """Append a mark if a recording is under way; whether it was recorded, which is durable then.

        Never raises: see the status. The BEGIN of a run is remembered in any case, until its END.
        """
        with self._in_turn():
            self._open_runs.take(mark)
            return self._append(lambda recorder: recorder.write_mark(mark))

    def stop(self) -> None:
        """End the recording; does nothing if there is none. Never raises: see the status."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
            if recorder is None:
                return
            error = ""
            try:
                recorder.close()
            except RecordingError as failure:
                _log.error("recording ended badly: %s", failure)
                error = str(failure)
            self._tell(recorder)
            self._show(replace(self._status, active=False, error=error))

    def give_up(self, reason: str) -> None:
        """Say that the recording has ended, with this error, although the disk does not let it be closed.

        For whoever has waited for ``stop`` long enough. It does not wait itself, and ends nothing.
        """
        with self._telling:
            self._given_up = reason
            self._status = replace(self._status, active=False, error=reason)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Have the lock, after whoever waits for it: whoever let it go just now must not be first again.

        Otherwise a mark could wait for all the polls that a slow disk has left behind.
        """
        with self._turn:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _append(self, write: Callable[[Hdf5Recorder], None]) -> bool:
        """Whether it was written."""
        if self._recorder is None:
            return False
        try:
            recorder = self._rotated(self._recorder)
            write(recorder)
        except StemError as error:
            self._fail(error)
            return False
        self._tell(recorder)
        return True

    def _rotated(self, recorder: Hdf5Recorder) -> Hdf5Recorder:
        """The recorder for the next poll or mark: the present one, or that of a new file."""
        limit = self._options.max_recording_bytes
        if not limit or recorder.bytes_written < limit or self._part is None:
            return recorder
        part = replace(self._part, number=self._part.number + 1, begun_utc_ns=self._clock.utc_ns())
        following = self._following(part, recorder)
        self._closed_polls += recorder.polls
        self._closed_marks += recorder.marks
        self._closed_bytes += recorder.bytes_written
        self._recorder, self._part = following, part
        self._prune(following.path)
        return following

    def _following(self, part: Part, recorder: Hdf5Recorder) -> Hdf5Recorder:
        """The next file, made before the one before is closed: whoever finds that closed finds the next one.

        If the writer dies between the two, one file was not closed: the recording is known as incomplete.
        """
        try:
            following = self._open(part)
        except StemError:
            recorder.close()
            raise
        try:
            recorder.close()
        except StemError:
            following.close()
            raise
        return following

    def _open(self, part: Part) -> Hdf5Recorder:
        """Take the first name that is free."""
        # Clients are told the path, and have another working directory.
        directory = self._options.recording_directory.absolute()
        for path in candidates(directory, part.begun_utc_ns, self._context.label):
            if os.path.lexists(path):
                continue
            try:
                return Hdf5Recorder(path, self._context, part=part, clock=self._clock)
            except RecordingError as error:
                if not isinstance(error.__cause__, FileExistsError):  # else somebody else was faster
                    raise
        raise RecordingError(directory, "create a file in", "no name is free")

    def _prune(self, present: Path) -> None:
        """Remove the oldest files beyond ``KeepRecordings``. What cannot be removed stays, and is logged."""
        keep = self._options.keep_recordings
        if not keep:
            return
        try:
            owner = Owner.of(self._context.properties, self._context.host)
            others = [path for path in own_recordings(present.parent, owner) if path != present]
            for path in others[: max(0, len(others) + 1 - keep)]:
                path.unlink(missing_ok=True)
                _log.info("removed the old recording %s (KeepRecordings is %d)", path, keep)
        except OSError as error:
            _log.warning("old recordings could not be removed: %s", explain(error, present))

    def _tell(self, recorder: Hdf5Recorder) -> None:
        self._show(
            RecordingStatus(
                active=True,
                path=recorder.path,
                polls=self._closed_polls + recorder.polls,
                marks=self._closed_marks + recorder.marks,
                bytes=self._closed_bytes + recorder.bytes_written,
            )
        )

    def _fail(self, error: StemError) -> None:
        _log.error("recording ended: %s", error)
        self._recorder = None
        self._show(replace(self._status, active=False, error=str(error)))

    def _show(self, status: RecordingStatus) -> None:
        with self._telling:
            if self._given_up:
                status = replace(status, active=False, error=self._given_up)
            self._status = status
