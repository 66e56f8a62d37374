"""Points of users: every one is taken or rejected for a reason, within limits, and none is overwritten."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from stem_device.errors import MetricError
from stem_device.model.options import Options
from stem_device.model.snapshot import MetricSeries
from stem_device.user_metrics import Intake

NOW_NS = 1_800_000_000 * 10**9


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def intake(clock: Time | None = None, **options: Any) -> Intake:
    more = {name: options.pop(name) for name in ("max_waiting", "window_points") if name in options}
    return Intake(Options(**options), clock=clock or Time(), utc_ns=lambda: NOW_NS, **more)


def rows(made: Intake) -> list[tuple[MetricSeries, int, float]]:
    taken = made.take()
    points = zip(taken.index.tolist(), taken.at_utc_ns.tolist(), taken.value.tolist(), strict=True)
    return [(taken.series[number], at, value) for number, at, value in points]


def add(made: Intake, *elements: dict[str, Any], sender: str = "s") -> Any:
    return made.add_json(json.dumps(elements), sender)


def test_every_way_to_say_a_point() -> None:
    made = intake()
    tags = {"host": "h", "process": 7, "rack": "a"}
    for batch in (
        [
            {"metric": "x", "value": 1},
            {"metric": "x", "value": 2.5, "timestamp": 1_700_000_000, "tags": tags},
        ],
        {"metric": "x", "value": "3", "timestamp": 1_700_000_000_123},
        {"timestamp": 1_700_000_000.5, "dps": [{"metric": "x", "value": 4}, {"metric": "y", "value": 5}]},
        [{"metric": "x", "tags": tags, "timestamps": [1_700_000_000_000_000_001, 3], "values": [6, 7]}],
    ):
        outcome = made.add_json(json.dumps(batch), "s")
        assert outcome.failed == 0, outcome
    bare, full = MetricSeries("x"), MetricSeries("x", (("rack", "a"),), "h", "7")
    assert rows(made) == [
        (bare, NOW_NS, 1.0),
        (full, 1_700_000_000 * 10**9, 2.5),
        (bare, 1_700_000_000_123 * 10**6, 3.0),
        (bare, 1_700_000_000_500_000_000, 4.0),
        (MetricSeries("y"), 1_700_000_000_500_000_000, 5.0),
        (full, 1_700_000_000_000_000_001, 6.0),
        (full, 3 * 10**9, 7.0),
    ]
    assert made.counts[:3] == (7, 0, 3)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"metric": "a b", "value": 1}, "a name has letters"),
        ({"metric": "stem_polls_total", "value": 1}, "the monitor's own"),
        ({"metric": "x" * 201, "value": 1}, "at most 200"),
        ({"metric": "x", "value": 1, "tags": {"a b": "1"}}, "the name of a label"),
        ({"metric": "x", "value": 1, "tags": {"a": ""}}, "printable characters"),
        ({"metric": "x", "value": 1, "tags": {f"l{n}": 1 for n in range(17)}}, "at most 16 labels"),
        ({"metric": "x", "value": 1, "timestamp": -1}, "a time must be"),
        ({"metric": "x", "value": 1, "timestamp": 2**62}, "a time must be"),
        ({"metric": "x", "value": 10**400}, "a value must be"),
        ({"metric": "x", "value": "NaN"}, "value"),
        ({"metric": "x", "value": None}, "no value"),
        ({"metric": "x", "values": [1, 2], "timestamps": [1]}, "2 values and 1 timestamps"),
        ({"metric": 3, "value": 1}, "metric"),
        ({"value": 1}, "metric"),
        (3, "Expected `object`"),
        ({"metric": "x", "value": {}}, "Expected"),
    ],
)
def test_what_is_no_point_is_rejected_alone_and_says_why(element: Any, reason: str) -> None:
    made = intake()
    outcome = made.add_json(json.dumps([{"metric": "good", "value": 1}, element]), "s")
    points = 2 if isinstance(element, dict) and "values" in element else 1
    assert (outcome.success, outcome.failed) == (1, points), outcome
    assert reason in outcome.errors[0].error
    assert reason in made.counts.last_rejection
    assert made.counts[:2] == (1, points)


@pytest.mark.parametrize("text", ["", "{", "[" * 10_000, "nonsense", "[" + "1" * 4_200_000 + "]"])
def test_what_is_no_batch_is_refused(text: str) -> None:
    with pytest.raises(MetricError):
        intake().add_json(text, "s")


def test_one_bad_point_of_a_series_does_not_cost_the_others() -> None:
    made = intake()
    times: list[Any] = [NOW_NS + n for n in range(40)]
    values: list[Any] = [float(n) for n in range(40)]
    times[5] = -3
    outcome = add(made, {"metric": "x", "timestamps": times, "values": values})
    assert (outcome.success, outcome.failed) == (39, 1)
    assert [value for _, _, value in rows(made)] == [value for value in values if value != 5]


def test_series_are_limited_and_forgotten_an_hour_after_their_last_point() -> None:
    clock = Time()
    made = intake(clock, max_metric_series=2)
    one, two, three = ({"metric": "x", "value": 1, "tags": {"process": n}} for n in (1, 2, 3))
    assert add(made, one, two).failed == 0
    rejected = add(made, one, three)
    assert (rejected.success, rejected.failed) == (1, 1)
    assert "MaxMetricSeries" in rejected.errors[0].error
    made.take()
    clock.now = 3000.0
    add(made, two)
    made.take()
    clock.now = 4000.0
    assert add(made, three).failed == 0
    assert {one.process for one in made.series_of("x")} == {"2", "3"}
    assert "takes no metrics" in add(intake(max_metric_series=0), one).errors[0].error


def test_a_process_has_a_rate_and_others_have_theirs() -> None:
    clock = Time()
    made = intake(clock, max_metric_rate=100)

    def send(process: str, count: int, sender: str = "s") -> int:
        element = {"metric": "x", "tags": {"process": process}, "values": [1] * count}
        return int(add(made, element, sender=sender).success)

    assert send("1", 500) == 200
    assert send("1", 10) == 0
    assert send("2", 10) == 10
    assert send("1", 10, sender="another") == 10
    clock.now = 1.0
    assert send("1", 500) == 100
    assert "MaxMetricRate" in made.counts.last_rejection
    assert made.counts.rejected == 300 + 10 + 400


def test_a_monitor_that_does_not_poll_fills_up() -> None:
    made = intake(max_metric_rate=0, max_waiting=10)
    outcome = add(made, {"metric": "x", "values": list(range(12))})
    assert (outcome.success, outcome.failed) == (10, 2)
    assert "wait for the next poll" in outcome.errors[0].error
    assert made.add(MetricSeries("own"), NOW_NS, 1.0)
    made.take()
    assert not made.add(MetricSeries("own"), NOW_NS, 1.0)


def _values(found: Iterable[tuple[Any, Any, Any]]) -> dict[Any, list[float]]:
    return {one.process: values.tolist() for one, _, values in found}


def test_questions_are_answered_from_what_waits_and_what_went() -> None:
    made = intake(window_points=4)
    for process in ("1", "2"):
        add(made, {"metric": "x", "tags": {"process": process}, "timestamps": [30, 10], "values": [3, 1]})
    made.take()
    add(made, {"metric": "x", "tags": {"process": "1"}, "timestamp": 20, "value": 2})
    assert _values(made.read("x", lambda _: True)) == {"1": [1, 2, 3], "2": [1, 3]}
    assert _values(made.read("x", lambda one: one.process == "2")) == {"2": [1, 3]}
    assert not list(made.read("y", lambda _: True))
    assert made.names() == {"x"}
    made.take()  # more than 4 points: the oldest go
    assert _values(made.read("x", lambda _: True)) == {"1": [2]}


def test_the_latest_value_is_that_of_the_latest_time_and_shown_for_five_minutes() -> None:
    clock = Time()
    made = intake(clock)
    add(made, {"metric": "x", "timestamps": [20, 30, 10], "values": [2, 3, 1]})
    add(made, {"metric": "x", "timestamp": 25, "value": 9})
    for now, latest in ((0.0, [3.0]), (299.0, [3.0]), (301.0, [])):
        clock.now = now
        assert made.take().latest_value.tolist() == latest
    assert not len(made.take().index)


def test_a_wrong_clock_hides_no_value_that_follows() -> None:
    """A point of next year is the latest until another one comes."""
    made = intake()
    year = 365 * 86_400 * 10**9
    add(made, {"metric": "x", "timestamp": NOW_NS + year, "value": 1})
    assert made.take().latest_value.tolist() == [1.0]
    add(made, {"metric": "x", "timestamp": NOW_NS + 5, "value": 2})
    add(made, {"metric": "x", "timestamp": NOW_NS, "value": 3})
    assert made.take().latest_value.tolist() == [2.0]


def test_labels_that_are_equal_are_not_the_same() -> None:
    made = intake()
    for value in (True, 1, 1.0):
        add(made, {"metric": "x", "value": 0, "tags": {"a": value}})
    assert [one.labels for one, _, _ in rows(made)] == [(("a", "True"),), (("a", "1"),), (("a", "1.0"),)]


@pytest.mark.parametrize("count", [1, 40])
def test_a_value_that_is_nearly_infinite_is_none_however_many_come(count: int) -> None:
    outcome = add(intake(), {"metric": "x", "timestamps": [NOW_NS] * count, "values": [1.75e308] * count})
    assert (outcome.success, outcome.failed) == (0, count)


def test_threads_lose_nothing() -> None:
    made = intake(max_metric_rate=0)
    total = 0

    def send(process: int) -> None:
        for number in range(200):
            add(made, {"metric": "x", "tags": {"process": process}, "values": [number] * 5})

    threads = [threading.Thread(target=send, args=(process,)) for process in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        total += len(made.take().index)
    total += len(made.take().index)
    assert total == made.counts.taken == 4 * 200 * 5
    assert all(np.all(np.diff(values) >= 0) for _, _, values in made.read("x", lambda _: True))
