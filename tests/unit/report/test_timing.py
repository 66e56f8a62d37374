from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.report.timing import statistics_of, timing_statistics
from tests.unit.report.report_snapshots import NAN, PUBLISHER, SUBSCRIBER, publisher_samples, server, snapshot
from tests.unit.report.report_snapshots import subscriber_samples as received


@given(st.lists(st.floats(-1e6, 1e9), min_size=2, max_size=300))
def test_statistics_agree_with_the_standard_library(values: list[float]) -> None:
    found = statistics_of("s", "push", np.array(values))
    assert found.count == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-3)
    error = statistics.stdev(values) / math.sqrt(len(values))
    assert found.standard_error == pytest.approx(error, rel=1e-6, abs=1e-3)
    assert found.median == pytest.approx(statistics.median(values), abs=1e-6)
    assert (found.minimum, found.maximum) == (min(values), max(values))
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    got = (found.quantile_01, found.quantile_10, found.quantile_90, found.quantile_99)
    assert got == pytest.approx([cuts[i] for i in (0, 9, 89, 98)], rel=1e-9, abs=1e-3)


def test_one_sample_has_no_error_of_the_mean() -> None:
    assert math.isnan(statistics_of("s", "push", np.array([3.0])).standard_error)


def test_each_timing_of_each_server() -> None:
    seen = snapshot(
        server(),
        server(SUBSCRIBER),
        publisher_samples=publisher_samples((0, NAN, 10), (0, 100.0, 30)),
        subscriber_samples=received(
            (1, NAN, 5, 50, -7.0, False),
            (1, 200.0, 6, 70, NAN, False),
            (1, 300.0, 7, 9999, 9999.0, True),
        ),
    )
    found = {
        (timing.server, timing.timing): (timing.count, timing.mean) for timing in timing_statistics(seen)
    }
    assert found == {
        (PUBLISHER, "push"): (2, 20.0),
        (PUBLISHER, "between pushes"): (1, 100.0),
        (SUBSCRIBER, "sleep"): (3, 6.0),
        (SUBSCRIBER, "processing"): (2, 60.0),
        (SUBSCRIBER, "latency"): (1, -7.0),
        (SUBSCRIBER, "between receives"): (2, 250.0),
    }


def test_no_samples_no_statistics() -> None:
    assert timing_statistics(snapshot(server())) == ()
