"""Changes in plain words."""

from __future__ import annotations

import math

from stem_device.statistics.comparison_results import Change, Kind, Verdict

_WHAT = {
    Kind.MISSED: "share of events missed",
    Kind.OVERDUE: "overdue events, mean over polls",
    Kind.LATENCY: "latency",
    Kind.PROCESSING: "time in callbacks",
    Kind.PUSH: "time spent pushing",
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
    """``latency, 99 % quantile``."""
    quantile = {"median": ", median", "p99": ", 99 % quantile"}.get(change.quantile, "")
    return f"{_WHAT[change.kind]}{quantile}"


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
    """How many times as much as in A, or by how much more, with the interval in brackets."""
    found = change.evidence
    if math.isnan(found.ratio) or math.isnan(found.ratio_low) or math.isnan(found.ratio_high):
        low, high = (amount(value, change.unit) for value in (found.difference_low, found.difference_high))
        more = amount(found.difference, change.unit)
        return f"{more}" if low == "-" else f"{more} ({low} to {high})"
    return f"{found.ratio:.3g} x ({found.ratio_low:.3g} to {found.ratio_high:.3g})"


def _by_how_much(change: Change) -> str:
    found = change.evidence
    if found.difference == 0:
        return "no difference"
    if math.isnan(found.ratio) or math.isnan(found.ratio_low) or math.isnan(found.ratio_high):
        return f"a difference of {interval(change)}"
    return f"{interval(change)}"


def _percent(change: Change) -> str:
    p_value = change.adjusted_p_value * 100
    if p_value < 0.1:
        return "less than 0.1 %"
    return f"{p_value:.2g} %" if p_value < 10 else f"{p_value:.0f} %"
