"""A real consumer that is blocked, and what its stack says, in Status and in the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory

pytest.importorskip("h5py")
pytestmark = pytest.mark.matrix


def test_a_callback_that_sleeps_is_seen_to_sleep(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher, delay_seconds=60.0)
    properties = {"TakeStacks": ["true"], "RecordOnStart": ["true"], "PollPeriod": ["1"]}
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, tmp_path, targets, properties=properties) as monitor:
        monitor.wait_polls(2)
        publisher.publisher.push(steps=20)
        monitor.wait(lambda: monitor.value("recordedMarks") == 1, "the stack", limit_seconds=90)
        monitor.wait(lambda: "Its process: " in monitor.status, "Status to show it")
        line = next(line for line in monitor.status.splitlines() if "Its process: " in line)
        assert "consumer blocked" in line
        assert "devices.py:" in line
        path = str(monitor.value("recordingPath"))
        monitor.proxy.StopRecording()
    with open_recording([path]) as recording:
        marks = recording["marks"]
        (run,), (error,) = list(marks["run"]), list(marks["error"])
    assert run == subscriber.name
    assert "devices.py:" in error
