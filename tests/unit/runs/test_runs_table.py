"""Runs from marks: order, states, what was told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.model.mark import Mark
from stem_device.runs import RunState, RunTable, group_statistics, occurrences, runs_of, stages
from tests.unit.runs_marks import SECOND, T0, mark, recording, run_table


def test_marks_come_in_the_order_of_emission_whenever_they_were_received() -> None:
    table = run_table(
        mark("late", "end", 9),
        mark("late", "tested", 5, received=20),
        mark("early", "begin", 0),
        mark("late", "begin", 1, received=30),
    )
    assert list(table.ids) == ["early", "late"]
    late = table["late"]
    assert [one.name for one in late.marks] == ["begin", "tested", "end"]
    assert late.marks[1].received_utc_ns == T0 + 20 * SECOND
    assert (late.begun_utc_ns, late.ended_utc_ns, late.seconds) == (T0 + SECOND, T0 + 9 * SECOND, 8.0)


def test_at_one_moment_begin_comes_first_and_end_last() -> None:
    run = run_table(mark("r", "end", 1), mark("r", "b", 1), mark("r", "a", 1), mark("r", "begin", 1))["r"]
    assert [one.name for one in run.marks] == ["begin", "b", "a", "end"]


@pytest.mark.parametrize(
    ("names", "state"),
    [
        ("begin", RunState.ONGOING),
        ("begin queued", RunState.QUEUED),
        ("requested", RunState.QUEUED),
        ("requested queued begin", RunState.ONGOING),
        ("begin queued flashed", RunState.ONGOING),
        ("begin queued end", RunState.ENDED),
        ("end published", RunState.ENDED),
    ],
)
def test_state(names: str, state: RunState) -> None:
    table = run_table(*(mark("r", name, second) for second, name in enumerate(names.split())))
    assert table["r"].state is state


def test_what_queued_means_can_be_told() -> None:
    made = recording([mark("r", "begin", 1), mark("r", "task posted", 2), mark("q", "queued", 3)])
    states = [run.state for run in runs_of(made, queued_marks=["task posted"])]
    assert states == [RunState.QUEUED, RunState.ONGOING]


def test_runs_never_begun_and_never_ended_have_no_duration() -> None:
    table = run_table(mark("a", "tested", 1), mark("a", "end", 2), mark("b", "begin", 3), mark("b", "x", 4))
    assert table["a"].begun_utc_ns is None
    assert table["b"].ended_utc_ns is None
    assert table["a"].seconds is table["b"].seconds is None
    assert np.isnan(table.seconds).all()


def test_the_first_begin_and_the_last_end_count() -> None:
    table = run_table(*(mark("r", n, s) for n, s in (("begin", 1), ("end", 2), ("begin", 3), ("end", 7))))
    assert table["r"].seconds == 6.0
    assert table["r"].occurrences == {"begin": 2, "end": 2}


def test_what_was_told_last_counts_and_silence_does_not() -> None:
    table = run_table(
        mark("r", "begin", 1, device_group="laser", worker="w1"),
        mark("r", "pulled", 3, worker="w2", requestor="eva"),
        mark("r", "posted", 2, worker="w3", queue="night", host="h", request_id="7", configuration="c"),
        mark("r", "end", 4),
    )
    run = table["r"]
    assert (run.device_group, run.worker, run.queue, run.requestor) == ("laser", "w2", "night", "eva")
    assert (run.host, run.request_id, run.configuration) == ("h", "7", "c")


def test_only_an_error_at_the_end_is_the_error_of_the_run() -> None:
    table = run_table(
        mark("recovered", "flashed", 1, error="retry"),
        mark("recovered", "end", 2),
        mark("broken", "end", 3, error="no boot"),
        mark("empty", "end", 3, error=""),
        mark("open", "flashed", 1, error="retry"),
    )
    assert {run.id: run.error for run in table} == {
        "recovered": None,
        "broken": "no boot",
        "empty": None,
        "open": None,
    }
    assert dict(zip(table.ids, table.failed, strict=True)) == {
        "recovered": False,
        "broken": True,
        "empty": False,
        "open": False,
    }
    assert table["recovered"].marks[0].error == "retry"


def test_what_two_monitors_were_told_alike_is_one_mark() -> None:
    told = [mark("r", "begin", 1), mark("r", "x", 2), mark("r", "x", 2), mark("r", "x", 2, iteration=1)]
    table = run_table(*told, *told, mark("r", "only b", 3), source=[0] * 4 + [1] * 5)
    assert table["r"].occurrences == {"begin": 1, "x": 3, "only b": 1}


def test_no_marks_at_all() -> None:
    table = run_table()
    assert len(table) == len(stages(table)) == len(occurrences(table).run) == 0
    assert list(table) == []
    assert group_statistics(table) == ()
    with pytest.raises(KeyError):
        table["r"]


def test_a_run_table_is_its_own_runs() -> None:
    made = recording([mark("r", "begin", 1)])
    table = runs_of(made)
    assert isinstance(table, RunTable)
    assert runs_of(table) is table
    assert table[-1].id == table["r"].id == "r"
    with pytest.raises(IndexError):
        table[1]


MARKS = st.lists(
    st.builds(
        lambda run, name, second, iteration: mark(run, name, second, iteration=iteration),
        st.sampled_from("abc"),
        st.sampled_from(["begin", "requested", "queued", "flashed", "end"]),
        st.integers(0, 12),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=40,
)


@given(MARKS)
def test_records_and_columns_say_the_same(marks: list[Mark]) -> None:
    table = run_table(*marks)
    assert sorted(table.ids) == sorted({one.run for one in marks})
    for number, run in enumerate(table):
        own = [one for one in marks if one.run == run.id]
        begins = [one.emitted_utc_ns for one in own if one.name == "begin"]
        ends = [one.emitted_utc_ns for one in own if one.name == "end"]
        assert run.begun_utc_ns == min(begins, default=None)
        assert run.ended_utc_ns == max(ends, default=None)
        assert [one.emitted_utc_ns for one in run.marks] == sorted(one.emitted_utc_ns for one in own)
        assert table.first_utc_ns[number] == min(one.emitted_utc_ns for one in own)
        assert table.last_utc_ns[number] == max(one.emitted_utc_ns for one in own)
    counted = occurrences(table)
    assert {
        (table.ids[run], table.names[name]): count
        for run, name, count in zip(counted.run, counted.name, counted.count, strict=True)
    } == {(run.id, name): count for run in table for name, count in run.occurrences.items()}
