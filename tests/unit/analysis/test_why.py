"""``stem why``: the same causes from a recording as live."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.model.finding import Finding
from stem_device.model.snapshot import TelemetryRows
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.statistics.why import findings_of
from tests.unit.analysis.caused_history import SUBSCRIBER, System

pytestmark = pytest.mark.extras


def recorded(system: System, path: Path) -> tuple[Finding, ...]:
    recorder = Hdf5Recorder(path, RecordingContext("", (), {}, "lab", {}))
    for snapshot in system.snapshots:
        recorder.write(replace(snapshot, findings=()))
    recorder.close()
    with open_recording(path) as recording:
        return findings_of(recording)


def lossy() -> System:
    system = System(callback=0.02, queue=200, sampled=True)
    system.polls([0] * 4 + [750] * 12)
    return system


def test_the_same_causes_as_live(tmp_path: Path) -> None:
    system = lossy()
    assert recorded(system, tmp_path / "night.h5") == system.last.findings  # type: ignore[union-attr]


def test_what_was_lost_stays_told(tmp_path: Path) -> None:
    system = lossy()
    system.polls([0] * 700)
    (finding,) = recorded(system, tmp_path / "night.h5")
    assert finding.cause == "callback_slow"
    assert finding.lost == system.missed


@pytest.mark.parametrize(("monitor", "cause"), [(10, "callback_slow"), (11, "burst")])
def test_telemetry_that_comes_later_is_evidence_all_the_same(
    monitor: int, cause: str, tmp_path: Path
) -> None:
    """But not where the monitor's process has the number of the subscriber's: whose it is nobody knows."""
    system = System(callback=0.0001, sampled=True)
    system.polls([500] * 30)
    system.blocked = True
    system.polls([1500] * 3)
    ended = system.now
    system.blocked = False
    system.polls([500] * 20)
    system.telemetry = TelemetryRows(
        np.array([ended, ended]),
        np.array([4.0, 0.01]),
        ("gc pause generation 2", "poll.ask"),
        ("runtime", "duration"),
        np.array([11, monitor]),
    )
    system.polls([500] * 3)
    (finding,) = recorded(system, tmp_path / "night.h5")
    assert finding.cause == cause
    told = "The garbage collector of dserver/sub/1 stopped it for 4 s" in finding.sentence
    assert told is (cause == "callback_slow")


def test_a_healthy_recording(tmp_path: Path) -> None:
    system = System()
    system.polls([5] * 20)
    assert recorded(system, tmp_path / "night.h5") == ()
    result = CliRunner().invoke(app, ["why", str(tmp_path / "night.h5")])
    assert result.exit_code == 0, result.output
    headline, *rest = filter(None, result.output.splitlines())
    assert headline.startswith("Nothing was missed between ")
    assert rest == ["There is no loss and no waiting to explain in 20 polls."]


def test_the_command(tmp_path: Path) -> None:
    system = lossy()
    recorded(system, tmp_path / "night.h5")
    result = CliRunner().invoke(app, ["why", str(tmp_path / "night.h5"), "--server", "dserver/sub/*"])
    assert result.exit_code == 0, result.output
    headline, *lines = filter(None, result.output.splitlines())
    assert headline.startswith(f"sub/1 missed {system.missed:,} events of ")
    assert lines[0].startswith(f"sub/1 lost {system.missed:,} and waits for ")
    assert [line.split()[0] for line in lines[1:]] == ["when", "why", "evidence", "advice"]
    assert "callback too slow: Callbacks take 20 ms an event, enough for 50 events/s; " in result.output


def test_json(tmp_path: Path) -> None:
    system = lossy()
    recorded(system, tmp_path / "night.h5")
    result = CliRunner().invoke(app, ["why", str(tmp_path / "night.h5"), "--json"])
    found = json.loads(result.stdout)
    assert (found["schema"], found["version"], found["polls"]) == ("stem-device causes", 1, 16)
    (finding,) = found["findings"]
    assert finding["server"] == SUBSCRIBER
    assert finding["cause"] == "callback_slow"
    assert finding["evidence"]["processing_seconds"] == pytest.approx(0.02)


def test_nothing_of_servers_that_were_not_chosen(tmp_path: Path) -> None:
    recorded(lossy(), tmp_path / "night.h5")
    result = CliRunner().invoke(app, ["why", str(tmp_path / "night.h5"), "--server", "dserver/pub/*"])
    assert "There is no loss and no waiting to explain" in result.output
