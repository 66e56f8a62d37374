"""A disk that hangs: polls go on, what is lost is counted and told, what is told as recorded is on disk."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tango

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.outlets import MAX_WAITING
from stem_device.reading.validation import validate
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory

pytest.importorskip("h5py")


def count(monitor: EventMonitor, attribute: str) -> int:
    return int(str(monitor.value(attribute)))


def outlet(monitor: EventMonitor, what: str) -> object:
    """One of the outlet attributes, of the recording."""
    names = list(monitor.proxy.outletNames)
    return monitor.proxy.read_attribute(f"outlet{what}").value[names.index("recording")]


@contextmanager
def recording_monitor(
    database: EmbeddedDatabase, target: str, directory: Path, hang: Path
) -> Iterator[EventMonitor]:
    """Polls every 0.1 s and records."""
    with event_monitor(
        database,
        directory,
        [target],
        properties={"PollPeriod": ["0.1"], "RecordOnStart": ["true"], "AlarmHoldTime": ["5"]},
        module="tests.system.hanging_disk_event_monitor",
        environment={"HANG_FILE": str(hang)},
    ) as monitor:
        try:
            monitor.wait(lambda: count(monitor, "recordedPolls") >= 3, "recorded polls")
            yield monitor
        finally:
            hang.unlink(missing_ok=True)


def test_a_disk_that_hangs_costs_no_poll(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, hang = servers(), tmp_path / "hang"
    with recording_monitor(database, target.name, tmp_path, hang) as monitor:
        assert list(monitor.proxy.outletNames) == ["marks", "recording"]
        assert outlet(monitor, "Dropped") == 0
        hang.touch()
        monitor.wait(lambda: int(str(outlet(monitor, "Waiting"))) > 1, "polls that wait")
        recorded = count(monitor, "recordedPolls")
        monitor.wait_polls(30)
        assert count(monitor, "recordedPolls") == recorded, "what waits is not recorded"
        monitor.wait(lambda: int(str(outlet(monitor, "Dropped"))) >= 3, "polls that are dropped")
        assert outlet(monitor, "Waiting") == MAX_WAITING + 1
        monitor.wait_state(tango.DevState.ALARM)
        assert "not in the recording, since the disk did not keep up" in str(monitor.value("recordingError"))
        assert "The recording is not complete" in monitor.status
        assert monitor.value("recording"), "and it goes on"
        assert len(monitor.proxy.QuerySnapshot()) > 100, "clients are answered"
        hang.unlink()
        monitor.wait(lambda: int(str(outlet(monitor, "Waiting"))) <= 1, "a disk that has caught up")
        monitor.wait(
            lambda: monitor.value("recordingError") == "", "the alarm to be over", limit_seconds=30.0
        )
        assert monitor.proxy.state() == tango.DevState.ON
        path = Path(str(monitor.value("recordingPath")))
        monitor.proxy.StopRecording()
        dropped, sent = int(str(outlet(monitor, "Dropped"))), int(str(outlet(monitor, "Sent")))
        assert count(monitor, "recordedPolls") == sent
        assert validate(path) == ()
        with open_recording(path) as recording:
            polls = recording["polls"]["poll"]
            outlets = recording["outlets"]
            own = outlets["outlet"] == "recording"
            told = outlets["dropped"][own].tolist()
        assert len(polls) == len(told) == sent
        assert told == sorted(told)
        assert told[0] == 0 < told[-1] <= dropped, "and the recording itself tells what it lacks"
        assert polls[-1] - polls[0] + 1 == sent + dropped, "each poll is in the file or counted"


def test_the_server_ends_although_the_disk_hangs(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, hang = servers(), tmp_path / "hang"
    with recording_monitor(database, target.name, tmp_path, hang) as monitor:
        path = Path(str(monitor.value("recordingPath")))
        hang.touch()
        monitor.wait(lambda: int(str(outlet(monitor, "Waiting"))) > 1, "polls that wait")
        recorded = count(monitor, "recordedPolls")
        monitor.process.signal(signal.SIGTERM)
        monitor.process.wait(40.0)
        with open_recording(path) as recording:
            assert len(recording["polls"]["poll"]) >= recorded
        assert "of its items are lost" in monitor.process.output()
