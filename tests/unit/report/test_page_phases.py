"""Kinds of stages: in their usual order, the shortest summed up."""

from __future__ import annotations

from stem_device.report.page.phases import OTHERS, phases
from tests.unit.report.page_evidence import Story


def story() -> Story:
    return Story(
        polls=(0.0, 100.0),
        runs=[("a", 0.0, 30.0, True, False, 0, 0), ("b", 40.0, 60.0, False, False, 0, 0)],
        stages=[
            (0, "begin", "flashed", 0.0, 10.0),
            (0, "flashed", "tested", 10.0, 28.0),
            (0, "tested", "end", 28.0, 30.0),
            (1, "begin", "flashed", 40.0, 59.0),
            (1, "flashed", "begin", 59.0, 60.0),
        ],
    )


def test_kinds_in_their_usual_order() -> None:
    found = phases(story().evidence(), 10)
    assert found.kinds == ("begin → flashed", "flashed → tested", "flashed → begin", "tested → end")
    assert found.kind.tolist() == [0, 1, 3, 0, 2]
    assert found.seconds.tolist() == [10, 18, 2, 19, 1]
    assert found.stages_of_run.tolist() == [3, 2]
    assert found.summed_up == 0


def test_the_shortest_kinds_are_summed_up() -> None:
    found = phases(story().evidence(), 2)
    assert found.kinds == ("begin → flashed", "flashed → tested", OTHERS)
    assert found.kind.tolist() == [0, 1, 2, 0, 2]
    assert found.summed_up == 2


def test_without_marks() -> None:
    found = phases(Story(polls=(0.0, 1.0)).evidence(), 2)
    assert (len(found), found.kinds, found.kind.tolist()) == (0, (), [])
