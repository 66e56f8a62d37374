"""Changes in plain words."""

from __future__ import annotations

import math

from stem_device.statistics.comparison_results import Change, Kind, Verdict
from stem_device.text import visible

_WHAT = {
    Kind.MISSED: "share of events missed",
    Kind.UNACCOUNTED: "share of events unaccounted",
    Kind.OVERDUE: "overdue events, mean over polls",
    Kind.LATENCY: "latency",
    Kind.PROCESSING: "time in callbacks",
    Kind.PUSH: "time spent pushing",
    Kind.DURATION: "duration",
    Kind.HALT: "time stood still",
    Kind.PUBLISHED: "events published",
    Kind.RECEIVED: "events received",
    Kind.PUSH_INTERVAL: "time between two pushes",
    Kind.RECEIVE_INTERVAL: "time between two events received",
    Kind.SLEEP: "time waiting for an event",
}


def sentence(change: Change) -> str:
    """One sentence: what was, what is, how large the difference is, and how sure."""
    found = change.evidence
    what = f"{what_of(change)}: {amount(found.a, change.unit)} in A, {amount(found.b, change.unit)} in B"
    if change.verdict is Verdict.UNKNOWN:
        return f"{what}; too little was recorded to compare them."
    how_sure = "no sure change" if change.verdict is Verdict.UNSURE else "sure"
    chance = f"chance alone would make a difference like this in {_percent(change)} of cases"
    return f"{what}, {_by_how_much(change)}; {how_sure} ({chance})."


def what_of(change: Change) -> str:
    """``latency, 99 % quantile``; ``duration of Motor.Move [command], median``."""
    quantile = {"median": ", median", "p99": ", 99 % quantile"}.get(change.quantile, "")
    label = f" of {visible(change.label)}" if change.label else ""
    return f"{_WHAT[change.kind]}{label}{quantile}"


def amount(value: float, unit: str) -> str:
    """A value in its unit, in three digits; ``-`` for NaN."""
    if math.isnan(value):
        return "-"
    if unit == "share":
        return f"{value * 100:.3g} %"
    if unit == "us":
        value, unit = _time_unit(value)
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.3g} {unit}"


def _time_unit(micros: float) -> tuple[float, str]:
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if abs(micros) >= scale:
            return micros / scale, unit
    return micros, "µs"


def interval(change: Change) -> str:
    """How many times as much as in A, or how much more, with the confidence interval in brackets."""
    found = change.evidence
    if has_ratio(change):
        return f"{found.ratio:.3g} x ({found.ratio_low:.3g} to {found.ratio_high:.3g})"
    difference, low, high = (
        _signed(value, change.unit)
        for value in (found.difference, found.difference_low, found.difference_high)
    )
    return f"{difference} ({low} to {high})" if low != "-" else difference


def has_ratio(change: Change) -> bool:
    """Not where A has none, or nearly none, of what is compared."""
    found = change.evidence
    return not math.isnan(found.ratio + found.ratio_low + found.ratio_high)


def _signed(value: float, unit: str) -> str:
    """A difference; that of two shares is in percentage points."""
    if math.isnan(value):
        return "-"
    text = amount(abs(value), unit).replace("%", "pp")
    return f"{'-' if value < 0 else '+'}{text}" if value else text


def _by_how_much(change: Change) -> str:
    if change.evidence.difference == 0:
        return "no difference"
    return interval(change).replace(" pp", " percentage points")


def _percent(change: Change) -> str:
    p_value = change.adjusted_p_value * 100
    if p_value < 0.1:
        return "less than 0.1 %"
    return f"{p_value:.2g} %" if p_value < 10 else f"{p_value:.0f} %"
