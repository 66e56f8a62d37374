"""A machine whose clock is far off polls, counts and records all the same."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from stem_device import open_recording
from stem_device.model.clock import MAX_UTC_NS, BoundedClock
from stem_device.model.options import Options
from stem_device.monitor import Monitor
from tests.waiting import wait_until

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

LIMIT_SECONDS = 60.0
NOW = 1_795_320_930_000_000_000


class OffClock:
    """A time of day that the test sets."""

    def __init__(self, utc_ns: int) -> None:
        self.utc = utc_ns

    def utc_ns(self) -> int:
        return self.utc

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@pytest.mark.parametrize(
    ("utc_ns", "shown"),
    [(2**63, MAX_UTC_NS), (10**21, MAX_UTC_NS), (2**63 - 1, MAX_UTC_NS), (-1, 0)],
    ids=["one too many for 64 bits", "the year 33658", "the last moment", "before 1970"],
)
def test_the_poll_thread_outlives_an_absurd_year(utc_ns: int, shown: int, tmp_path: Path) -> None:
    clock = OffClock(utc_ns)
    options = Options(poll_period=0.02, recording_directory=tmp_path, record_on_start=True)
    monitor = Monitor(options, clock=clock, thread_context=nullcontext)
    try:
        monitor.start()
        wait_until(lambda: monitor.snapshot is not None and monitor.snapshot.poll >= 3)
        before = monitor.snapshot
        clock.utc = NOW
        wait_until(lambda: monitor.snapshot is not None and monitor.snapshot.time_utc_ns == NOW)
    finally:
        monitor.stop()
    assert before is not None
    assert before.time_utc_ns == shown
    assert monitor.health.thread_restarts == 0
    assert monitor.health.consumer_errors == 0
    assert monitor.recording.error == ""
    assert monitor.recording.path is not None
    with open_recording(monitor.recording.path) as recording:
        assert set(recording["polls"]["time_utc_ns"].tolist()) == {shown, NOW}


def test_a_clock_that_is_right_is_not_changed() -> None:
    assert BoundedClock(OffClock(NOW)).utc_ns() == NOW
    assert MAX_UTC_NS < 2**63 - 90 * 86_400 * 10**9, "there must be room to add to it"
