"""Durations between marks, stages, statistics of groups."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from stem_device.errors import OptionError
from stem_device.model.mark import Mark
from stem_device.runs import RunTable, durations, group_statistics, mark_names, stages
from stem_device.runs.moments import moments_by
from tests.unit.runs.test_runs_table import MARKS
from tests.unit.runs_marks import mark, run_table


def seconds(table: RunTable, expression: str) -> dict[str, list[float]]:
    found = durations(table, expression)
    return {
        str(run_id): found.seconds[found.run_id == run_id].tolist() for run_id in dict.fromkeys(found.run_id)
    }


def test_the_durations_of_every_run() -> None:
    table = run_table(
        *(mark("a", name, at) for name, at in (("requested", 0), ("hardware started", 1.5))),
        mark("a", "hardware finished", 4),
        mark("b", "requested", 10),
        *(mark("c", name, at) for name, at in (("hardware finished", 30), ("hardware started", 30.25))),
    )
    found = durations(table, "hardware finished - hardware started")
    assert list(found.run_id) == ["a", "c"]
    # The clocks of two hosts: b before a by a quarter of a second is told, not hidden.
    assert found.seconds.tolist() == [2.5, -0.25]
    assert seconds(table, "hardware started - requested") == {"a": [1.5]}
    assert durations(table, "hardware started", "requested").unpaired_earlier.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("marks", "pairs", "unpaired"),
    [
        # name, second, iteration; A and B. Unpaired are A's and B's.
        ("A0 B1 A2 B5", [1, 3], (0, 0)),
        ("A0 A2 B3", [1], (1, 0)),  # a second attempt
        ("A0 B1 B3", [1], (0, 1)),
        ("B0 A1 B2 B3 A4", [1], (1, 2)),
        ("B0 A1", [-1], (0, 0)),  # one of each: whatever their order
        ("A3 B3", [0], (0, 0)),
        ("B3 A3 A9", [0], (1, 0)),  # of one moment
        ("A0 B1", [1], (0, 0)),
        ("A0:1 A1:2 B5:2 B6:1", [6, 4], (0, 0)),  # iterations that overlap
        ("A0:1 A1:2 B5:2", [4], (1, 0)),
        ("A0:1 A1:1 B5:1 B6:2", [4], (1, 1)),  # repeated within an iteration
        ("A5:1 B4:1", [-1], (0, 0)),
        ("A0 B1:1 B2:2", [1], (0, 1)),  # only one of the two carries iterations
        ("A0:1 A2 B3", [1], (1, 0)),
        ("A0:1 B1:1 A2 B4", [1, 2], (0, 0)),  # those without a number pair among themselves
    ],
)
def test_which_occurrences_pair_up(marks: str, pairs: list[float], unpaired: tuple[int, int]) -> None:
    given_marks = []
    for word in marks.split():
        second, _, iteration = word[1:].partition(":")
        given_marks.append(mark("r", word[0], float(second), iteration=int(iteration) if iteration else None))
    found = durations(run_table(*given_marks, mark("other", "A", 0), mark("other", "B", 1)), "B - A")
    own = found.run_id == "r"
    assert sorted(found.seconds[own].tolist()) == sorted(pairs)
    assert (found.unpaired_earlier.sum(), found.unpaired_later.sum()) == unpaired


def test_the_iteration_of_a_pair_is_told() -> None:
    table = run_table(
        mark("r", "A", 1, iteration=4), mark("r", "B", 2, iteration=4), mark("q", "A", 3), mark("q", "B", 5)
    )
    assert durations(table, "B - A").iteration.tolist() == [4, -1]


def test_names_may_hold_the_sign() -> None:
    table = run_table(mark("r", "x - y", 1), mark("r", "z", 2), mark("r", "x", 5))
    assert seconds(table, "z - x - y") == {"r": [1.0]}
    assert seconds(table, "z - x") == {"r": [-3.0]}
    assert mark_names(table) == ("x", "x - y", "z")


@pytest.mark.parametrize(
    ("expression", "word"), [("tested", "form"), ("tsted - begin", "'tested'"), (" - begin", "no mark")]
)
def test_expressions_that_mean_nothing(expression: str, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        durations(run_table(mark("r", "begin", 1), mark("r", "tested", 2)), expression)


@given(MARKS)
def test_pairs_against_a_plain_loop(marks: list[Mark]) -> None:
    names = {one.name for one in marks}
    if not {"queued", "flashed"} <= names:
        return
    found = durations(run_table(*marks), "flashed - queued")
    wanted, partners = [], 0
    for run in sorted({one.run for one in marks}):
        own = [one for one in marks if one.run == run and one.name in {"queued", "flashed"}]
        numbered = {one.name for one in own if one.iteration is not None} == {"queued", "flashed"}
        for iteration in {one.iteration if numbered else None for one in own}:
            group = [one for one in own if not numbered or one.iteration == iteration]
            group.sort(key=lambda one: (one.emitted_utc_ns, one.name == "flashed"))
            later = [one for one in group if one.name == "flashed"]
            if len(later) == 1 and len(group) == 2:
                group.sort(key=lambda one: one.name == "flashed")
            for one, other in pairwise(group):
                if (one.name, other.name) == ("queued", "flashed"):
                    wanted.append((run, (other.emitted_utc_ns - one.emitted_utc_ns) / 1e9))
                    partners += 1
    assert sorted(zip(map(str, found.run_id), found.seconds.tolist(), strict=True)) == sorted(wanted)
    assert found.unpaired_later.sum() == sum(one.name == "flashed" for one in marks) - partners
    assert found.unpaired_earlier.sum() == sum(one.name == "queued" for one in marks) - partners


def test_stages_follow_each_other_without_gaps() -> None:
    table = run_table(
        *(
            mark("r", name, at, received=at if name != "booted" else 99)
            for name, at in (("begin", 0), ("flashed", 2), ("tested", 7), ("tested", 8), ("end", 11))
        ),
        mark("r", "booted", 3),
        mark("r", "published", 12),
        mark("alone", "begin", 1),
    )
    found = stages(table)
    assert [(found.label(i), found.seconds[i]) for i in range(len(found))] == [
        ("flashed - begin", 2),
        ("booted - flashed", 1),
        ("tested - booted", 4),
        ("end - tested", 4),
        ("published - end", 1),
    ]


@given(MARKS)
def test_stages_add_up(marks: list[Mark]) -> None:
    table = run_table(*marks)
    found = stages(table)
    for number, run in enumerate(table):
        own = found.run == number
        changes = [i for i, one in enumerate(run.marks) if not i or one.name != run.marks[i - 1].name]
        assert own.sum() == len(changes) - 1
        span = run.marks[changes[-1]].emitted_utc_ns - run.marks[0].emitted_utc_ns
        assert round(found.seconds[own].sum() * 1e9) == span


def test_statistics_of_groups() -> None:
    table = run_table(
        *(mark(f"l{i}", "begin", i, device_group="laser", requestor="eva") for i in range(3)),
        *(mark(f"l{i}", "tested", i + 1 + i) for i in range(3)),
        *(mark(f"l{i}", "end", i + 5 + i, error="x" if i == 2 else None) for i in range(3)),
        mark("l3", "queued", 3, device_group="laser", requestor="bob", request_id="1"),
        mark("l4", "begin", 4, device_group="laser", requestor="bob", request_id="1"),
        mark("n", "begin", 5),
    )
    laser, nobody = group_statistics(table)
    assert (laser.device_group, nobody.device_group) == ("laser", None)
    assert (laser.runs, laser.ended, laser.ongoing, laser.queued, laser.failed) == (5, 3, 1, 1, 1)
    assert laser.never_begun == 1
    assert laser.share(laser.failed) == 0.2
    # Without an id every run is a request; two runs of one request are one.
    assert [(one.name, one.requests, one.runs) for one in laser.requestors] == [("eva", 3, 3), ("bob", 1, 2)]
    whole = [5.0, 6.0, 7.0]
    assert laser.whole.count == 3
    assert (laser.whole.minimum, laser.whole.maximum, laser.whole.mean) == (5, 7, 6)
    assert laser.whole.standard_deviation == pytest.approx(statistics.stdev(whole))
    assert [(one.later, one.earlier, one.seconds.count) for one in laser.stages] == [
        ("tested", "begin", 3),
        ("end", "tested", 3),
    ]
    assert laser.stages[0].seconds.mean == 2.0
    assert (nobody.requestors, nobody.stages) == ((), ())
    assert nobody.whole.count == 0
    assert math.isnan(nobody.whole.mean)


def test_moments_of_groups_against_the_standard_library() -> None:
    random = np.random.default_rng(1)
    values, group = random.normal(1e6, 1e-3, 500), random.integers(0, 4, 500)
    found = moments_by(values, group, 5)
    for number, one in enumerate(found[:4]):
        own = values[group == number].tolist()
        assert (one.count, one.minimum, one.maximum) == (len(own), min(own), max(own))
        assert one.mean == pytest.approx(statistics.fmean(own))
        assert one.standard_deviation == pytest.approx(statistics.stdev(own))
    assert found[4].count == 0
    assert math.isnan(found[4].minimum)
    (single,) = moments_by(np.array([3.0]), np.array([0]), 1)
    assert single.mean == 3.0
    assert math.isnan(single.standard_deviation)
