"""Ten samples of which five are of discarded events: every tool tells of the same five, live and recorded."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")
pytest.importorskip("scipy")

from stem_device import open_recording
from stem_device.accounting import samples as accounting
from stem_device.analysis.causes.history import see
from stem_device.catalogue import QUANTITIES, Details, Kind
from stem_device.catalogue.quantity import Spread
from stem_device.catalogue.scope import ServerRow, Told
from stem_device.model.sample_timings import LATENCY, PROCESSING, SLEEP, counted, micros
from stem_device.model.snapshot import Snapshot
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.report.page.gather import gather
from stem_device.report.page.timings import distribution
from stem_device.report.timing import timing_statistics
from stem_device.statistics import summarise
from stem_device.web.recorded import RecordedSource
from tests.unit.report.report_snapshots import NAN, SUBSCRIBER, server, snapshot, subscriber_samples

pytestmark = pytest.mark.extras

KEPT = (600, 800, 1000, 1200, 1400)
SEEN = snapshot(
    server(SUBSCRIBER),
    subscriber_samples=subscriber_samples(
        *((0, 100.0, 5, value, float(value), False) for value in KEPT),
        # What cppTango reports of them: no callback, so 0; were it anything else, it would count as little.
        *((0, 100.0, 5, value, latency, True) for value, latency in ((0, NAN), (0, 0.0), (0, 7.0))),
        *((0, 100.0, 5, 9_999_999, 9e6, True) for _ in range(2)),
    ),
)
MEDIAN = 1000.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("discarded") / "discarded.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    recorder.write(SEEN)
    recorder.close()
    return path


def spread(name: str, seen: Snapshot) -> tuple[int, float]:
    """How many values the catalogue's histogram has, and their sum in seconds."""
    (quantity,) = (one for one in QUANTITIES if one.name == name and one.kind is Kind.HISTOGRAM)
    found = quantity.value(ServerRow(Told(seen), 0, seen.servers[0], 0))
    assert isinstance(found, Spread)
    assert found.total is not None
    return sum(found.counts), found.total


def test_which_samples_count() -> None:
    column = partial(getattr, SEEN.subscriber_samples)
    for timing in (PROCESSING, LATENCY):
        kept, values = counted(timing, column)
        assert kept.tolist() == [True] * 5 + [False] * 5
        assert values.tolist() == list(KEPT)
    assert counted(SLEEP, column)[0].all(), "waiting for an event does not depend on what becomes of it"
    assert micros(SLEEP, column).dtype == np.int64
    assert np.isnan(micros(PROCESSING, column)).sum() == 5


@pytest.mark.parametrize("timing", ["processing", "latency"])
def test_live(timing: str) -> None:
    found = {one.timing: one for one in timing_statistics(SEEN)}
    assert (found[timing].count, found[timing].median) == (5, MEDIAN)
    assert found["sleep"].count == 10
    number, seconds = spread(f"{timing}_seconds", SEEN)
    assert number == 5
    assert seconds == pytest.approx(sum(KEPT) / 1e6)
    told = accounting.summarise(SEEN.publisher_samples, SEEN.subscriber_samples)
    p99 = np.quantile(KEPT, 0.99) / 1e6
    assert getattr(told, f"{timing}_p99_seconds") == pytest.approx(p99)
    assert told.latency_median_seconds == MEDIAN / 1e6


@pytest.mark.parametrize("timing", ["processing", "latency"])
def test_recorded(timing: str, path: Path) -> None:
    with open_recording(path) as recording:
        found = summarise(recording)
        page = distribution(getattr(gather(recording), timing))
    assert (found.timings[timing].count, found.timings[timing].median) == (5, MEDIAN)
    assert found.servers[0].timings[timing].count == 5
    assert found.timings["sleep"].count == 10
    assert (page.samples, page.unknown, page.median_micros) == (5, 0, MEDIAN)
    source = RecordedSource([path])
    text = source.metrics("", Details.ALL).body.decode()
    source.close()
    (line,) = (one for one in text.splitlines() if one.startswith(f"stem_{timing}_seconds_count"))
    assert float(line.split()[-1]) == 5


def test_how_long_callbacks_take_is_told_by_those_that_ran() -> None:
    (facts,) = see(SEEN).servers.values()
    assert (facts.samples, facts.process_micros, facts.last_processed) == (5, sum(KEPT), "attr")
