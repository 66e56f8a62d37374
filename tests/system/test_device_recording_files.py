"""Files of live recordings that others write to, and several devices that record to one directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tango

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory


def recorded(monitor: EventMonitor, polls: int) -> None:
    monitor.wait(lambda: int(str(monitor.value("recordedPolls"))) >= polls, f"{polls} polls on disk")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"x" * path.stat().st_size),
        lambda path: os.truncate(path, 5000),
        lambda path: path.with_name("notes.txt").rename(path),
        lambda path: path.unlink(),
    ],
    ids=["overwritten", "cut short", "replaced", "removed"],
)
def test_a_live_recording_that_somebody_spoils_is_told(
    spoil: Callable[[Path], object], database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with event_monitor(database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        path = Path(monitor.proxy.StartRecording(""))
        recorded(monitor, 2)
        (tmp_path / "notes.txt").write_text("mine")
        spoil(path)
        left = path.read_bytes() if path.exists() else None
        monitor.wait_state(tango.DevState.ALARM)
        assert "another program has written to it" in str(monitor.value("recordingError"))
        assert "another program has written to it" in monitor.status
        assert not monitor.value("recording")
        monitor.wait_polls(2)
        assert (path.read_bytes() if path.exists() else None) == left
        monitor.proxy.StartRecording("again")
        recorded(monitor, 1)
        monitor.wait_state(tango.DevState.ON)
        assert monitor.value("recordingError") == ""


def test_devices_that_share_a_directory_keep_to_their_own_files(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    keep_one = {"KeepRecordings": ["1"]}
    with (
        event_monitor(database, tmp_path, [target.name], properties=keep_one) as first,
        event_monitor(database, tmp_path, [target.name], properties=keep_one) as second,
    ):
        theirs = Path(first.proxy.StartRecording("shared"))
        ended = None
        for _ in range(3):
            path = Path(second.proxy.StartRecording("shared"))
            assert path != theirs
            assert ended is None or not ended.exists(), "its own are removed"
            recorded(second, 1)
            second.proxy.StopRecording()
            ended = path
        recorded(first, int(str(first.value("recordedPolls"))) + 2)
        assert first.value("recordingError") == ""
        first.proxy.StopRecording()
        assert set(tmp_path.glob("*.h5")) == {theirs, path}
        with open_recording(theirs) as recording:
            (source,) = recording.sources
        device = first.name.removeprefix("tango://").split("/", 1)[1]
        assert source.properties["RecordedByDevice"].endswith(f"/{device}")
        assert source.properties["RecordedByServer"].startswith("EventMonitor/")
