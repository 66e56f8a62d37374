"""Events during runs and stages."""

from __future__ import annotations

from stem_device.runs import events_per_run, events_per_stage, losses, runs_of
from tests.unit.runs_marks import Recording, mark, recording

POLLS = [(0, float(10 * i), 0.5) for i in range(6)]
"""Polls at 0, 10, .. 50 s that end half a second later."""
STREAMS = [(0, i, 100 * 10**i) for i in range(6)]
"""Published by poll: the first one's do not count."""


def made(*marks: object, **more: object) -> Recording:
    told = {"polls": POLLS, "streams": STREAMS} | more
    return recording(marks, **told)  # type: ignore[arg-type]


def run_counts(data: Recording) -> list[tuple[int, int, int, int]]:
    found = events_per_run(data)
    return [
        (int(polls), int(within), int(least), int(most))
        for polls, within, least, most in zip(
            found.polls,
            found.ended_within.published,
            found.at_least.published,
            found.at_most.published,
            strict=True,
        )
    ]


def test_every_event_belongs_to_the_run_in_which_its_poll_ended() -> None:
    data = made(
        *(mark("a", "begin", 5), mark("a", "end", 25)),
        *(mark("b", "begin", 25), mark("b", "end", 45)),
    )
    assert run_counts(data) == [
        # Polls that ended at 10.5 and 20.5; that of 20 began at 10 and ended within, the one of 30 touches.
        (2, 1_000 + 10_000, 10_000, 1_000 + 10_000 + 100_000),
        (2, 100_000 + 1_000_000, 1_000_000, 100_000 + 1_000_000 + 10_000_000),
    ]


def test_a_run_shorter_than_the_poll_period_cannot_be_resolved() -> None:
    data = made(mark("short", "begin", 11), mark("short", "end", 12), mark("hit", "begin", 20.2))
    (short, _) = run_counts(data)
    assert short == (0, 0, 0, 10_000)
    assert events_per_run(data).resolved.tolist() == [False, True]


def test_bounds_are_sharp() -> None:
    data = made(
        *(mark("exact", "begin", 10), mark("exact", "end", 20.5)),
        *(mark("one too early", "begin", 10.001), mark("one too early", "end", 20.499)),
        *(mark("swapped", "begin", 30), mark("swapped", "end", 5)),
    )
    found = dict(zip(runs_of(data).ids, run_counts(data), strict=True))
    # The poll that ended at 10.5 asked its servers after 10: its events may be of either side.
    assert found["exact"] == (2, 11_000, 10_000, 1_000 + 10_000 + 100_000)
    assert found["one too early"] == (1, 1_000, 0, 1_000 + 10_000 + 100_000)
    assert found["swapped"] == (0, 0, 0, 0)


def test_the_first_poll_counts_nothing_and_a_run_without_end_lasts_to_the_last() -> None:
    data = made(mark("all", "begin", -5), mark("before", "begin", -9), mark("before", "end", -8))
    assert dict(zip(runs_of(data).ids, run_counts(data), strict=True)) == {
        "all": (5, 11_111_000, 11_111_000, 11_111_000),
        "before": (0, 0, 0, 0),
    }


def test_stages_share_out_the_events_of_their_run() -> None:
    data = made(*(mark("r", n, s) for n, s in (("begin", 1), ("a", 15), ("b", 16), ("c", 35), ("end", 60))))
    run, found = events_per_run(data), events_per_stage(data)
    assert found.events.ended_within.published.tolist() == [1_000, 0, 110_000, 11_000_000]
    assert found.events.resolved.tolist() == [True, False, True, True]
    assert found.events.ended_within.published.sum() == run.ended_within.published[0]
    names = data.names
    assert [names[code] for code in found.later] == ["a", "b", "c", "end"]


def test_several_monitors_add_up_each_by_its_own_polls() -> None:
    # Sources one after the other; the clock of one was set back.
    data = made(
        mark("r", "begin", 1),
        mark("r", "end", 12),
        polls=[(0, 5.0, 0), (0, 10.0, 0), (0, 9.0, 0), (1, 3.0, 0), (1, 6.0, 0), (1, 20.0, 0)],
        streams=[(0, 0, 1), (1, 1, 5), (1, 2, 7), (0, 1, 11), (0, 2, 13)],
        subscriptions=[(0, 1, "s", 3, 2), (1, 1, "s", 4, 0), (0, 1, "t", 5, 6)],
    )
    found = events_per_run(data)
    assert found.ended_within.published.tolist() == [5 + 11 + 13]
    assert found.ended_within.received.tolist() == [3 + 4 + 5]
    assert found.ended_within.missed.tolist() == [2 + 6]
    assert found.polls.tolist() == [3]


def test_losses_name_run_and_subscription() -> None:
    data = made(
        *(mark("a", "begin", 5), mark("a", "end", 25)),
        *(mark("b", "begin", 15), mark("b", "x", 18), mark("b", "end", 35)),
        mark("quiet", "begin", 36),
        subscriptions=[
            (0, 0, "x", 0, 99),  # precedes the recording
            *((0, 1, "x", 0, 4), (0, 1, "y", 9, 0)),
            *((0, 2, "x", 0, 1), (0, 2, "y", 9, 2)),
            (0, 3, "y", 0, 3),
        ],
    )
    found = losses(data)
    ids = runs_of(data).ids
    rows = list(zip(ids[found.run], found.server, found.missed.tolist(), found.runs.tolist(), strict=True))
    # What the poll of 30 noticed may have been lost since 20: a has it as well as b, and neither for certain.
    assert rows == [
        *(("a", "x", 4, 1), ("a", "x", 1, 2), ("a", "y", 2, 2), ("a", "y", 3, 2)),
        *(("b", "x", 1, 2), ("b", "y", 2, 2), ("b", "y", 3, 2)),
    ]
    assert list(found.after) == ["begin"] * 4 + ["x"] * 3
    assert list(found.first_after) == ["begin"] * 4 + ["begin", "begin", "x"]
    assert (found.publisher[0], found.stream[0]) == ("pub of x", "stream of x")
    events = events_per_run(data)
    assert events.ended_within.missed.tolist() == [7, 6, 0]


def test_a_loss_belongs_to_every_run_and_phase_that_its_interval_overlaps() -> None:
    data = made(
        *(mark("before", "begin", 1), mark("before", "end", 4)),
        *(mark("a", "begin", 5), mark("a", "warm", 8), mark("a", "hot", 12), mark("a", "end", 25)),
        *(mark("late", "begin", 27), mark("late", "end", 29)),
        # x: noticed at 30.5, lost after 6. z: some of what was given up has arrived.
        subscriptions=[(0, 3, "x", 0, 40, 2, 6.0), (0, 2, "y", 0, 5, 0, 13.0), (0, 3, "z", 0, 0, -7, None)],
    )
    found = losses(data)
    ids = runs_of(data).ids
    rows = zip(ids[found.run], found.server, found.missed.tolist(), found.runs.tolist(), strict=True)
    assert sorted(rows) == [("a", "x", 40, 2), ("a", "y", 5, 1), ("late", "x", 40, 2)]
    phases = {
        (ids[run], server): (first, last)
        for run, server, first, last in zip(
            found.run, found.server, found.first_after, found.after, strict=True
        )
    }
    assert phases["a", "x"] == ("begin", "hot")
    assert phases["a", "y"] == ("hot", "hot")
    assert found.unaccounted.max() == 2
    events = events_per_run(data)
    assert events.at_least.missed.tolist() == [0, 5, 0]
    assert events.at_most.missed.tolist() == [0, 45, 40]
    assert events.at_most.unaccounted.tolist() == [0, 2, 2]


def test_marks_without_any_poll() -> None:
    data = made(mark("r", "begin", 1), polls=[], streams=[])
    assert run_counts(data) == [(0, 0, 0, 0)]
    assert len(losses(data).run) == 0


def test_a_selection_without_the_poll_before() -> None:
    data = made(mark("r", "begin", 15), mark("r", "end", 40))
    data["polls"].numbers = {name: values[2:] for name, values in data["polls"].numbers.items()}
    data["streams"].numbers = {name: values[2:] for name, values in data["streams"].numbers.items()}
    # Nobody knows since when the first poll counts.
    assert run_counts(data) == [(2, 110_000, 100_000, 1_110_000)]
