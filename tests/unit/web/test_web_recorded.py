"""Recordings as a source: also of a format that does not tell everything, and one that grows."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from stem_device.catalogue import Details
from stem_device.errors import NoPollError, StemError
from tests.unit.full_snapshots import FULL

pytest.importorskip("h5py")
pytest.importorskip("scipy")

from stem_device.recording import RecordingContext
from stem_device.recording.hdf5 import Hdf5Recorder
from stem_device.web import recorded
from stem_device.web.recorded import RecordedSource

pytestmark = pytest.mark.extras

OLD = Path(__file__).parents[2] / "data" / "recording-1.1.h5.xz"


def metrics(source: RecordedSource) -> dict[str, float]:
    lines = source.metrics("", Details.ALL).body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_what_an_old_format_does_not_tell_has_no_series(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    path.write_bytes(lzma.decompress(OLD.read_bytes()))
    source = RecordedSource([path])
    shown = metrics(source)
    source.close()
    assert shown["stem_polls_total"] > 0
    assert "stem_events_missed_total" in shown
    assert "stem_events_unaccounted" not in shown
    assert not [name for name in shown if "unseen" in name]


def test_a_recording_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(recorded, "REST", 0.0)
    path = tmp_path / "run.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    with pytest.raises(NoPollError):
        RecordedSource([path])
    recorder.write(FULL)
    source = RecordedSource([path])
    shown = metrics(source)
    assert shown["stem_events_missed_total"] == FULL.counts.missed
    assert shown['stem_verdict{stem_verdict="lost"}'] == 1
    assert shown['stem_process_duration_seconds_count{label="move"}'] == 2
    assert shown['stem_process_halt_seconds_sum{halt="gc pause generation 2"}'] == pytest.approx(0.3)
    assert "stem_recording" not in shown  # what no Snapshot has
    later = replace(
        FULL, poll=2, time_utc_ns=FULL.time_utc_ns + 10**9, monotonic_ns=FULL.monotonic_ns + 10**9
    )
    recorder.write(later)
    assert metrics(source)["stem_polls_total"] == 2
    recorder.close()
    path.unlink()
    with pytest.raises(StemError, match=r"run\.h5"):
        source.snapshot()
