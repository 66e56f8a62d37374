"""Which metric of users an attribute shows, and why it shows none."""

from __future__ import annotations

import numpy as np
import pytest

from stem_device.device.metric_attributes import (
    MAX_ATTRIBUTES,
    MetricAttribute,
    parse_metric_attribute,
    parse_metric_attributes,
    shown_of,
    with_line,
    without_name,
)
from stem_device.errors import OptionError
from stem_device.model.snapshot import MetricRows, MetricSeries

SECOND = 10**9


def rows(*latest: tuple[MetricSeries, float, float]) -> MetricRows:
    """Series with the time (s) and the value of their latest point."""
    none = np.empty(0, np.int64)
    at = np.array([round(seconds * SECOND) for _, seconds, _ in latest], np.int64)
    return MetricRows(
        tuple(one for one, _, _ in latest),
        none,
        none,
        np.empty(0),
        at,
        np.array([value for _, _, value in latest]),
    )


def length(process: str, gpu: str = "0") -> MetricSeries:
    return MetricSeries("queue/length", (("gpu", gpu),), "rack-1", process)


@pytest.mark.parametrize(
    ("line", "name", "metric", "labels"),
    [
        ("queueLength=queue/length", "queueLength", "queue/length", ()),
        ("queue/length", "queue_length", "queue/length", ()),
        ("1st.try", "_1st_try", "1st.try", ()),
        (' a = m { host="rack-1" , gpu = "0" } ', "a", "m", (("host", "rack-1"), ("gpu", "0"))),
        (r'a=m{b="c, \"d\" = }",}', "a", "m", (("b", 'c, "d" = }'),)),
        ("a=m{}", "a", "m", ()),
    ],
)
def test_lines(line: str, name: str, metric: str, labels: tuple[tuple[str, str], ...]) -> None:
    assert parse_metric_attribute(line) == MetricAttribute(line.strip(), name, metric, labels)


@pytest.mark.parametrize(
    "line",
    ["", "=m", "a=", "a b=m", "a=m{", 'a=m{b="c}', "a=m{b=c}", 'a=m{b="1",b="2"}', "ä=m", "x" * 101 + "=m"],
)
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(OptionError, match="MetricAttributes"):
        parse_metric_attribute(line)


def test_names_are_taken_once() -> None:
    with pytest.raises(OptionError, match="there is an attribute state"):
        parse_metric_attributes(["state=m"], ["State"])
    with pytest.raises(OptionError, match="there is an attribute A"):
        parse_metric_attributes(["a=m", "A=n"], ())
    many = [f"a{number}=m" for number in range(MAX_ATTRIBUTES + 1)]
    assert len(parse_metric_attributes(many[1:], ())) == MAX_ATTRIBUTES
    with pytest.raises(OptionError, match="64 lines at most"):
        parse_metric_attributes(many, ())


def test_lines_come_and_go() -> None:
    assert with_line(("a=m",), " a=m ") == ("a=m",)
    assert with_line(("a=m",), "b=n") == ("a=m", "b=n")
    assert without_name(("a=m", "b=n"), "A") == ("b=n",)
    with pytest.raises(OptionError, match="no metric is shown"):
        without_name(("a=m",), "m")


def test_the_series_that_is_meant() -> None:
    wanted = parse_metric_attributes(['one=queue/length{gpu="0",process="11"}', "other", "none=nothing"], ())
    found = shown_of(
        wanted,
        rows((length("11"), 100, 1.0), (length("12"), 101, 2.0), (MetricSeries("other"), 5.5, -3.0)),
    )
    assert found["one"] == (1.0, 100 * SECOND, "")
    assert found["other"] == (-3.0, 5_500_000_000, "")
    assert found["none"].problem == "no point came within 5 minutes"


def test_two_senders_are_never_mixed_and_a_new_process_takes_over() -> None:
    wanted = parse_metric_attributes(["one=queue/length"], ())
    old, new = length("11"), length("12")
    both = shown_of(wanted, rows((old, 100, 1.0), (new, 160, 2.0)))["one"]
    assert both.problem.startswith("2 series have points, name a label of one: gpu=0, host=rack-1, ")
    assert shown_of(wanted, rows((old, 100, 1.0), (new, 160.1, 2.0)))["one"].value == 2.0
