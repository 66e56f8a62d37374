"""The window has every number of the catalogue, of the last polls, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stem_device.catalogue import Accumulation, Details, numbers_of, series_of
from stem_device.model.mark import Mark, MarkKind
from stem_device.opentsdb.columns import BLOCK_POLLS, Columns, Point
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.lookup import SuggestRequest, suggest
from stem_device.opentsdb.series import Series
from stem_device.opentsdb.window import LiveWindow
from tests.unit.made_snapshots import BEGIN_UTC_NS, SECOND, server, snapshot, stream, subscription

NEVER = 2**62


def everything(source: LiveWindow, metric: str, begin: int = 0, end: int = NEVER) -> list[Series]:
    return list(source.read(metric, begin, end, lambda _: True, Budget(Limits())))


def test_every_number_of_every_poll_is_there() -> None:
    lossy = subscription(missed_total=7, missed_delta=7, overdue=3)
    polls = [
        snapshot(
            server("dserver/slow/1", lossy, streams=(stream(),)), server("dserver/b/2"), seconds=n, sampled=4
        )
        for n in range(3 * BLOCK_POLLS)
    ]
    window, accumulation = LiveWindow(details=Details.ALL), Accumulation()
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[int, float]]] = {}
    for one in polls:
        window.take(one)
        for series in accumulation.add(one, series_of(one, None, Details.ALL)):
            for number in numbers_of(series):
                if np.isfinite(number.value):
                    key = (number.metric, tuple(number.labels.items()))
                    expected.setdefault(key, []).append((one.time_utc_ns, number.value))
    found = {
        (series.metric, tuple(series.tags.items())): list(
            zip(series.times_ns.tolist(), series.values.tolist(), strict=True)
        )
        for metric in window.metrics()
        for series in everything(window, metric)
    }
    assert found == expected
    assert any(metric == "stem_subscription_events_missed_total" for metric, _ in found)


def test_a_server_that_is_gone_ends_and_one_that_comes_begins() -> None:
    window = LiveWindow()
    for n in range(4):
        servers = [server("dserver/a/1"), server("dserver/b/2")] if n == 2 else [server("dserver/a/1")]
        window.take(snapshot(*servers, seconds=n))
    told = {one.tags["server"]: len(one.times_ns) for one in everything(window, "stem_server_age_seconds")}
    assert told == {"dserver/a/1": 4, "dserver/b/2": 1}


def test_the_polls_next_to_a_span_are_read_too() -> None:
    window = LiveWindow()
    for n in range(200):
        window.take(snapshot(seconds=n))
    begin = BEGIN_UTC_NS + 100 * SECOND + 1
    (one,) = everything(window, "stem_polls_total", begin, begin + 3 * SECOND)
    assert one.values.tolist() == [101, 102, 103, 104, 105]
    (one,) = everything(window, "stem_polls_total", NEVER - 1)
    assert one.values.tolist() == [200]


def test_a_clock_that_was_set_back_leaves_times_in_order() -> None:
    window = LiveWindow()
    for second in (5, 6, 7, 2, 3, 6, 8):
        window.take(snapshot(seconds=second))
    (one,) = everything(window, "stem_polls_total")
    assert one.times_ns.tolist() == [BEGIN_UTC_NS + second * SECOND for second in (2, 3, 5, 6, 7, 8)]


def test_memory_is_bounded_by_polls_and_by_points() -> None:
    window = LiveWindow(max_polls=100)
    for n in range(1000):
        window.take(snapshot(seconds=n))
    (one,) = everything(window, "stem_polls_total")
    assert 100 <= len(one.values) <= 100 + BLOCK_POLLS
    assert one.values[-1] == 1000
    columns = Columns(10**6, 5000)
    for n in range(5000):
        # A new series at each poll, which is the worst case: each has a layout of its own.
        columns.add(n, [Point("m", (("run", str(n)),), n), Point("other", (), n)])
        assert columns.points <= 5000
    assert len(next(columns.read("other", 0, NEVER, lambda _: True)).values) > 100
    assert len(columns.tag_sets("m")) < 1000


def test_a_metric_without_points_is_forgotten_with_its_polls() -> None:
    columns = Columns(100, 10**6)
    columns.add(0, [Point("gone", (), 1.0)])
    for n in range(1, 300):
        columns.add(n, [Point("there", (), 1.0)])
    assert list(columns.metrics()) == ["there"]


@pytest.mark.parametrize("kind", list(MarkKind))
def test_marks_are_told_with_what_is_known_of_them(kind: MarkKind) -> None:
    window = LiveWindow()
    told: dict[str, Any] = {"run": "r1", "received_monotonic_ns": 1, "received_utc_ns": 2}
    window.mark(Mark(kind=kind, name=str(kind), emitted_utc_ns=20, queue="q", error="it broke", **told))
    window.mark(Mark(kind=MarkKind.MARK, name="earlier", emitted_utc_ns=10, iteration=0, **told))
    first, second = window.annotations(0, 30)
    assert first.description == "r1: earlier"
    assert first.custom == {"run": "r1", "mark": "earlier", "kind": "mark", "iteration": "0"}
    assert second.description == f"r1: {kind}" + (" (it broke)" if kind is MarkKind.END else "")
    assert second.custom["queue"] == "q"
    assert window.annotations(11, 19) == []


def test_an_empty_label_is_no_value_to_choose() -> None:
    window = LiveWindow()
    window.take(snapshot(server("dserver/a/1")))  # its failure is empty
    values = suggest(window, SuggestRequest("tagv"), Budget(Limits()))
    assert "dserver/a/1" in values
    assert "" not in values
