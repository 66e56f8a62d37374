"""Which runs a recording that starts now has to know of."""

from __future__ import annotations

import logging

import pytest

from stem_device.recording.open_runs import OpenRuns
from tests.unit.recording.marks_made import begin, end, mark


def runs_after(*marks, limit: int = 100) -> list[tuple[str, int | None]]:
    runs = OpenRuns(limit)
    for one in marks:
        runs.take(one)
    return [(one.run, one.iteration) for one in runs]


def test_a_run_is_open_from_begin_to_end() -> None:
    assert runs_after(begin("a"), begin("b"), mark("b", "flashed")) == [("a", None), ("b", None)]
    assert runs_after(begin("a"), begin("b"), end("a")) == [("b", None)]


def test_what_never_began_or_ended_twice_opens_nothing() -> None:
    assert runs_after(mark("a", "flashed"), end("a"), end("a")) == []


def test_an_end_without_iteration_ends_all_of_them_and_with_one_only_that() -> None:
    begun = [begin("a", iteration=1), begin("a", iteration=2), begin("a"), begin("b", iteration=1)]
    assert runs_after(*begun, end("a", iteration=1)) == [("a", 2), ("a", None), ("b", 1)]
    assert runs_after(*begun, end("a")) == [("b", 1)]


def test_the_latest_begin_counts_and_the_order_is_that_of_reception() -> None:
    runs = OpenRuns()
    for one in (begin("a", queue="1"), begin("b"), begin("a", queue="2")):
        runs.take(one)
    assert [(one.run, one.queue) for one in runs] == [("b", None), ("a", "2")]


def test_their_number_is_bounded_and_the_oldest_go(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert runs_after(*(begin(str(number)) for number in range(5)), limit=3) == [
            ("2", None),
            ("3", None),
            ("4", None),
        ]
    assert len(caplog.records) == 2
