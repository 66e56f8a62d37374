"""Telemetry of processes beside the events of a real EventMonitor: recorded, exported, and told by Status."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from stem_device import telemetry
from stem_device.demo.database import EmbeddedDatabase
from stem_device.reading import open_recording
from tests.system.event_monitors import event_monitor

pytest.importorskip("h5py")
pytest.importorskip("uvicorn")

SAMPLES = 40


def scraped(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def labels_of(path: Path, pid: int) -> set[str]:
    """Of what a process told of itself, as far as it is recorded."""
    with open_recording(path) as recording:
        rows = recording["telemetry"]
        return set(rows["label"][rows["pid"] == pid].tolist())


def test_what_processes_measure_comes_with_the_polls(database: EmbeddedDatabase, tmp_path: Path) -> None:
    directory = tmp_path / "telemetry"
    directory.mkdir()
    properties = {
        "TelemetryDirectories": [str(directory), str(tmp_path / "away")],
        "HttpAddress": ["127.0.0.1:0"],
        "PollPeriod": ["0.2"],
    }
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        path = Path(monitor.proxy.StartRecording("telemetry"))
        monitor.wait(lambda: "away: cannot be read" in monitor.status, "the directory that is not there")
        telemetry.start(directory, with_runtime=True, flush_seconds=0.05)
        try:
            for _ in range(SAMPLES):
                with telemetry.time_it("Motor.Move [command]"):
                    pass
            telemetry.flush()
            url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
            count = 'stem_process_duration_seconds_count{label="Motor.Move [command]"}'
            monitor.wait(lambda: scraped(url).get(count) == SAMPLES, "the samples")
            memory = f'stem_process_resident_memory_bytes{{directory="{directory}",pid="{os.getpid()}"}}'
            monitor.wait(lambda: scraped(url).get(memory, 0) > 10_000_000, "the memory")
        finally:
            telemetry.stop()
        assert monitor.value("ownMemory") > 10_000_000
        assert scraped(url)["stem_monitor_memory_bytes"] > 10_000_000
        assert monitor.value("ownGcPauseTime") >= 0
        pid = monitor.process.pid
        own_figures = {"rss", "user time"}  # once a second
        monitor.wait(lambda: own_figures <= labels_of(path, pid), "its own figures in the recording")
        monitor.proxy.StopRecording()
    with open_recording(path) as recording:
        rows = recording["telemetry"]
        timed = rows["label"] == "Motor.Move [command]"
        assert np.count_nonzero(timed) == SAMPLES
        assert set(rows["pid"][timed].tolist()) == {os.getpid()}
