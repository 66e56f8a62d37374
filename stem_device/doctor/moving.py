"""Link 17: whether the value moved, and whether far enough for an event."""

from __future__ import annotations

from typing import Any

import numpy as np
import tango

from stem_device.doctor.attribute import is_forwarded
from stem_device.doctor.case import Case, many
from stem_device.doctor.criteria import criteria_of, same
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok, warning
from stem_device.doctor.events import EventType
from stem_device.doctor.observing import ENOUGH_EVENTS, Observed
from stem_device.doctor.subscribing import set_criterion

LATE_SECONDS = 1.0
"""A value read this long before the end has been polled, and its event has arrived."""

NEAR = 0.5
"""A value that moved half of a criterion within the span may well reach it in the next minute."""


def criteria(case: Case) -> Finding:
    """Against the criteria where it is polled; against what was pushed where the code does that."""
    seen: Observed = case.observed
    if seen.events >= ENOUGH_EVENTS or (seen.events and not case.polled_ms):
        return ok(f"events flow: {many(seen.events, 'event')} in {seen.seconds:.1f} s")
    if case.event in _JUDGED:
        return _JUDGED[case.event](case, seen)
    if _is_by_period_alone(case):
        return _periodic(case, seen)
    if len(seen.values) < 2:
        return not_tested("the value could not be read often enough to see whether it moves")
    if same([value for _, value in seen.values]):
        return ok(f"the value did not move in {seen.seconds:.1f} s: no event is due")
    return _moved_while_polled(case, seen) if case.polled_ms else _moved_without_push(case, seen)


def _is_by_period_alone(case: Case) -> bool:
    """Archive events may have a period and no other criterion."""
    set_ = criteria_of(case.config, case.event)
    return set_ is not None and set_.absolute is None and set_.relative is None


def _by_code(case: Case, _seen: Observed) -> Finding:
    return not_tested(f"only the code of the device decides when to push {case.event} events")


def _alarm(_case: Case, _seen: Observed) -> Finding:
    return not_tested("alarm events come when the quality changes")


def _periodic(case: Case, seen: Observed) -> Finding:
    set_ = criteria_of(case.config, case.event)
    period = max(case.polled_ms / 1000, (set_ and set_.period_seconds) or 1.0)
    if seen.seconds < 2 * period + LATE_SECONDS:
        return not_tested(f"one is due every {period:g} s", f"Wait longer: --wait {3 * period + 1:g}")
    return broken(
        f"no {case.event} event in {seen.seconds:.1f} s, though one is due every {period:g} s",
        f"Start the polling again: {case.python(f'a.poll({case.polled_ms or 1000})')}",
    )


def _moved_while_polled(case: Case, seen: Observed) -> Finding:
    period = case.polled_ms / 1000
    since, before, after = _since_last_event(seen, period)
    set_ = criteria_of(case.config, case.event)
    if seen.seconds < 2 * period + LATE_SECONDS:
        return warning(
            f"polled every {period:g} s, too seldom for {seen.seconds:.1f} s",
            f"Wait longer: --wait {3 * period:g}",
        )
    if len(after) < 2 or same(after):
        return ok(f"the value has not moved since the last event, {since:.1f} s ago")
    share = _share(set_, after)
    if set_ is not None and share == share and share < 1:  # noqa: PLR0124 - not NaN
        if before and _share(set_, [before[0], after[0]]) >= 1:
            return ok("the value moved beyond the criteria and an event came")
        return _too_large(case, seen, set_.words, share)
    if set_ is None and case.config.data_type == tango.CmdArgType.DevEncoded:
        return broken(
            "the value moved and no event came: encoded values of a polled attribute need a criterion",
            f"Set one, here 0.1: {case.python(set_criterion('ch_event', 'abs_change'))}",
        )
    return broken(
        f"the value moved beyond the criteria in {since:.1f} s, and no event came: the poller does not push",
        f"Start its polling again: {case.python(f'a.poll({case.polled_ms})')}",
    )


def _since_last_event(seen: Observed, period: float) -> tuple[float, list[Any], list[Any]]:
    """Seconds since the last event; values before it; and after it, without those not polled yet."""
    first = seen.values[0][0]
    last = seen.heard.moments[-1] if seen.heard and seen.heard.moments else first
    end = seen.ended - period - LATE_SECONDS
    before = [value for moment, value in seen.values if moment < last]
    after = [value for moment, value in seen.values if last <= moment <= end]
    return seen.ended - last, before, after


def _share(set_: Any, values: list[Any]) -> float:
    if set_ is None:
        return float("nan")
    try:
        return float(max(set_.share(values[0], value) for value in values[1:]))
    except (TypeError, ValueError):  # texts, states, structures: any change is an event
        return float("nan")


def _too_large(case: Case, seen: Observed, words: str, share: float) -> Finding:
    percent = f"{share * 100:.2g} % of the criteria"
    told = f"the value moves, but in {seen.seconds:.1f} s by {percent} only ({words})"
    group, prefix = ("arch_event", "archive_") if case.event is EventType.ARCHIVE else ("ch_event", "")
    smaller = f"{_moved_by([value for _, value in seen.values]) / 2:.2g}"
    code = f"c = a.get_config(); c.events.{group}.{prefix}abs_change = {smaller!r}; a.set_config(c)"
    remedy = f"Set a smaller criterion, as half of what it moved: {case.python(code)}"
    return warning(told, remedy) if share >= NEAR else broken(told, remedy)


def _moved_by(values: list[Any]) -> float:
    first = np.asarray(values[0], float)
    return max(float(np.nanmax(np.abs(np.asarray(value, float) - first), initial=0.0)) for value in values)


def _moved_without_push(case: Case, seen: Observed) -> Finding:
    moved = f"the value moved in {seen.seconds:.1f} s and nothing was pushed"
    if case.pushed_before:
        return warning(f"{moved}; {case.pushed_before:,} were pushed before", "Wait longer: --wait 60")
    if is_forwarded(case.config):
        root = case.config.root_attr_name
        return broken(f"{moved}; it is forwarded from {root}", f"Look at that one: stem doctor {root}")
    push = "push_archive_event" if case.event is EventType.ARCHIVE else "push_change_event"
    return broken(
        f"{moved}: its code declares that it pushes, and does not (or has Tango check criteria, and they are "
        "larger than what it moves)",
        f"Push where the value changes: self.{push}({case.attribute!r}, value)"
        f" - or have it polled: {case.python('a.poll(1000)')}",
    )


_JUDGED = {
    EventType.USER: _by_code,
    EventType.DATA_READY: _by_code,
    EventType.ALARM: _alarm,
    EventType.PERIODIC: _periodic,
}
"""Event types that do not depend on how far the value moves."""
