"""Telemetry of two recordings: what takes longer is found by label, and fails where that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")
pytest.importorskip("scipy")
pytest.importorskip("typer")

from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.model.snapshot import TelemetryRows
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.statistics import Kind, Verdict, compare
from tests.unit.synthetic_recording import Plan, synthetic_snapshots

pytestmark = pytest.mark.extras

POLLS = 40
A_POLL = 60
"""Measurements of each label: two polls a piece, 100 are needed for a 99 % quantile."""
KINDS = {
    "move": "duration",
    "read": "duration",
    "poll.ask": "duration",
    "gc pause generation 2": "runtime",
    "max rss": "runtime",
}


def recorded(path: Path, seed: int, **factors: float) -> Path:
    """Measurements of about 10 ms; ``factors`` by label, where it has one word."""
    random = np.random.default_rng(seed)
    recorder = Hdf5Recorder(path, RecordingContext(label="telemetry"))
    for snapshot in synthetic_snapshots(Plan(polls=POLLS, samples=0, servers=2)):
        labels = np.repeat([*KINDS], A_POLL)
        scale = np.array([factors.get(label.split()[0], 1.0) for label in labels])
        rows = TelemetryRows(
            at_utc_ns=np.full(len(labels), snapshot.time_utc_ns - 1),
            value=0.01 * scale * random.lognormal(0, 0.3, len(labels)),
            label=tuple(labels.tolist()),
            kind=tuple(KINDS[label] for label in labels.tolist()),
            pid=np.ones(len(labels), np.int64),
        )
        recorder.write(replace(snapshot, telemetry=rows))
    recorder.close()
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("telemetry")
    recorded(folder / "before.h5", 1)
    recorded(folder / "after.h5", 2, move=1.5, gc=0.5, **{"poll.ask": 9.0})
    return lambda name: folder / f"{name}.h5"


def test_what_takes_longer_is_found_by_label(path: Callable[[str], Path]) -> None:
    """Not the monitor's own polls: that they take longer is no fault of what was monitored."""
    with open_recording(path("before")) as a, open_recording(path("after")) as b:
        found = compare(a, b)
    told = {(one.kind, one.label, one.quantile): one for one in found.single if one.label}
    assert {label for _, label, _ in told} == {"move", "read", "gc pause generation 2"}
    for quantile in ("median", "p99"):
        move = told[Kind.DURATION, "move", quantile]
        assert (move.verdict, move.unit) == (Verdict.WORSE, "us")
        assert move.evidence.ratio_low < 1.5 < move.evidence.ratio_high
        assert told[Kind.HALT, "gc pause generation 2", quantile].verdict is Verdict.BETTER
        assert told[Kind.DURATION, "read", quantile].verdict is Verdict.UNSURE
    assert move.evidence.a == pytest.approx(10_000 * np.exp(0.3 * 2.33), rel=0.15)
    assert {one.label for one in found.failed(Kind.DURATION)} == {"move"}
    assert not found.failed(Kind.HALT)


def test_the_command_fails_on_it_and_says_what(path: Callable[[str], Path]) -> None:
    before, after = str(path("before")), str(path("after"))
    result = CliRunner().invoke(app, ["compare", before, after, "--fail-on", "duration"])
    assert result.exit_code == 6
    assert "--fail-on duration: duration of move, median: " in result.output
    assert "time stood still of gc pause generation 2, median" in result.output
    assert CliRunner().invoke(app, ["compare", before, after, "--fail-on", "halt"]).exit_code == 0
    assert CliRunner().invoke(app, ["compare", after, before, "--fail-on", "halt"]).exit_code == 6
