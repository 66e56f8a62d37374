"""A monitor as the source of a port: it takes each Snapshot as an outlet, and shows the last ones."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stem_device.catalogue import Accumulation, Details, Series, user_series
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from stem_device.monitor.context import recording_context
from stem_device.opentsdb.users import WithUsers
from stem_device.opentsdb.window import LiveWindow
from stem_device.recording.hdf5 import Hdf5Recorder
from stem_device.web.exposition import Exposition
from stem_device.web.once import Kept
from stem_device.web.report_page import PageMaker
from stem_device.web.source import Content, Health, NotReadyError
from stem_device.web.window import Window

LATE_POLLS = 3.0
LATE_SECONDS = 30.0
"""A monitor whose last poll is older than that is not alive. One poll may last as long as its targets hang
(TargetTimeout, 3 s), and the first waits for a database."""

PAGE_SECONDS = 10.0
PAGE_REST = 5.0
"""Making the page takes a sixth of the time of a processor at most, however many look."""


class LiveSource:
    """See :class:`.source.Source`. ``take`` is called by an outlet, the rest by any thread."""

    def __init__(self, monitor: Monitor, clock: Callable[[], float] = time.monotonic) -> None:
        self._monitor = monitor
        self._clock = clock
        self._begun = clock()
        self._polled: tuple[int, float] = (0, self._begun)
        self._ready = False
        self._accumulation = Accumulation()
        self._exposition = Exposition(clock)
        self._maker = PageMaker()
        self._page = Kept(self._made_page, PAGE_SECONDS, PAGE_REST)
        self.window = Window()
        self._polls = LiveWindow(monitor.series)
        self.series = WithUsers(self._polls, monitor.metrics)
        monitor.at_each_mark(self.window.add_mark)
        monitor.at_each_mark(self._polls.mark)
        monitor.at_each_poll(self._note)

    def _note(self, snapshot: Snapshot) -> None:
        """On the poll thread: when the last poll was, whether or not its outlet keeps up."""
        self._polled = snapshot.poll, self._clock()

    def take(self, snapshot: Snapshot) -> None:
        """Use one more Snapshot."""
        self.window.add(snapshot)
        first = self._accumulation.add(snapshot, self._monitor.series(snapshot))
        users = user_series(snapshot.metrics)
        self._exposition.renew(lambda details: self._series(snapshot, details, first) + users)
        self._polls.add(snapshot.time_utc_ns, first)
        self._ready = True  # whoever asks now, be it for metrics or the page, gets the first poll at least

    def _series(self, snapshot: Snapshot, details: Details, first: tuple[Series, ...]) -> tuple[Series, ...]:
        if details is Details.LOSING:
            return first
        return self._accumulation.shown(self._monitor.series(snapshot, details))

    def health(self) -> Health:
        poll, at = self._polled
        age = self._clock() - at
        limit = LATE_POLLS * self._monitor.poll_period + LATE_SECONDS
        alive = age <= limit
        told = {
            "status": "ok" if alive else "no poll for too long",
            "poll": poll,
            "secondsSincePoll": round(age, 3) if poll else None,
            "limitSeconds": limit,
        }
        return Health(alive, self._ready, told)

    def snapshot(self) -> Snapshot:
        snapshot = self._monitor.snapshot
        if snapshot is None:
            raise NotReadyError("no poll has ended yet")
        return snapshot

    def ready_metrics(self, accept: str, details: Details) -> Content | None:
        return self._exposition.ready(accept, details)

    def metrics(self, accept: str, details: Details) -> Content:
        return self._exposition.content(accept, details)

    def page(self) -> bytes:
        return self._page.get()

    def _made_page(self) -> bytes:
        snapshots = self.window.snapshots
        if not snapshots:
            raise NotReadyError("no poll has ended yet")
        context = recording_context("live", self._monitor.options, self._monitor.recorded_by)
        with tempfile.TemporaryDirectory(prefix="stem-window-") as folder:
            path = Path(folder) / "live.h5"
            recorder = Hdf5Recorder(path, context)
            try:
                for mark in self.window.marks:
                    recorder.write_mark(mark)
                for snapshot in snapshots:
                    recorder.write(snapshot)
                    time.sleep(0)  # lets the poll thread go on
            finally:
                recorder.close()
            return self._maker.page(_title(snapshots), [path])

    def close(self) -> None:
        self._maker.close()


def _title(snapshots: tuple[Snapshot, ...]) -> str:
    return f"the last {len(snapshots)} polls" if len(snapshots) > 1 else "the first poll"
