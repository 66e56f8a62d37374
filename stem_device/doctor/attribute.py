"""Links 8 to 11: the attribute, its polling, a reading, and what was pushed so far."""

from __future__ import annotations

import re
import time
from typing import Any

import tango

from stem_device.doctor.case import Case
from stem_device.doctor.criteria import criteria_of
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok, warning
from stem_device.doctor.naming import similar
from stem_device.doctor.streams import pushed_of
from stem_device.errors import ReplyError
from stem_device.polling.client import QUERY
from stem_device.polling.tango_errors import first_words, is_missing_command, is_timeout

NOT_SPECIFIED = "Not specified"
STUCK_PERIODS = 3.0
STUCK_SECONDS = 5.0
"""A poller counts as stuck after three periods and 5 s more: a busy one is late by two or three periods."""

LATE_PERIODS = 2.0
SKEW_SECONDS = 2.0
"""Clocks of machines that ask a time server differ by milliseconds; a few seconds puzzle archives."""

_SINCE = re.compile(r"not updated since (.+)", re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(mS|S|MN|H)\b", re.IGNORECASE)
_DESCRIPTION = re.compile(r"Desc = (.+?)\s*(?:Origin =|$)", re.DOTALL)
_PERIOD = re.compile(r"Polling period \(mS\) = (\d+)")
_SECONDS = {"ms": 0.001, "s": 1.0, "mn": 60.0, "h": 3600.0}
_DELTAS = re.compile(r"Delta between last records \(in mS\) = (.+)")
_FAILED = re.compile(r"Last attribute read FAILED\s*:?\s*(.*)", re.IGNORECASE | re.DOTALL)


def attribute(case: Case) -> Finding:
    """Whether it exists, and how its events are configured."""
    wanted = case.question.attribute
    try:
        case.config = case.proxy.get_attribute_config(wanted)
        case.attribute = case.config.name
        if not is_forwarded(case.config):
            case.polled_ms = period_ms(polling_states(case).get(case.attribute.lower(), ""))
    except tango.DevFailed as error:
        return _absent(case, error)
    way = f"polled every {case.polled_ms / 1000:g} s" if case.polled_ms else "not polled"
    set_ = criteria_of(case.config, case.event)
    told = f"{_kind(case.config)}, {way}, {set_.words if set_ else 'no criteria'} for {case.event} events"
    if is_forwarded(case.config):
        return ok(f"{told}; forwarded: its events come from {case.config.root_attr_name}")
    return ok(told)


def is_forwarded(config: Any) -> bool:
    """Whether the attribute is another one's, of another device."""
    return getattr(config, "root_attr_name", NOT_SPECIFIED) not in {NOT_SPECIFIED, ""}


def _kind(config: Any) -> str:
    return f"{str(config.data_format).lower()} of {tango.CmdArgType(config.data_type)}"


def _absent(case: Case, error: tango.DevFailed) -> Finding:
    wanted = case.question.attribute
    if not any(item.reason == "API_AttrNotFound" for item in error.args):
        return broken(
            f"the device does not tell the configuration of {wanted}: {first_words(error)}",
            f"Restart the server: {case.start_command}",
        )
    try:
        known = [str(name) for name in case.proxy.get_attribute_list()]
    except tango.DevFailed:
        known = []
    lower = {name.lower(): name for name in known}
    alike = [lower[name] for name in similar(wanted, [*lower])]
    what = f"similar: {', '.join(alike)}" if alike else f"there are {', '.join(known[:12]) or 'none'}"
    return broken(
        f"{case.device} has no attribute {wanted}; {what}",
        f"Correct the name: stem doctor {case.device}/{(alike or known or ['State'])[0]}",
    )


def polling(case: Case) -> Finding:
    """How the poller of the server does with this attribute."""
    if is_forwarded(case.config):
        return not_tested("forwarded attributes are polled at their own device, if at all")
    if not case.polled_ms:
        return ok("not polled: events come if the code of the device pushes them")
    return judged_polling(case, polling_states(case).get(case.attribute.lower(), ""))


def polling_states(case: Case) -> dict[str, str]:
    """What the server says of its polling, by attribute in lower case. Raises tango.DevFailed."""
    begins = "Polled attribute name = "
    states = [str(state) for state in case.admin.command_inout("DevPollStatus", case.device)]
    of = [state.removeprefix(begins) for state in states if state.startswith(begins)]
    return {state.splitlines()[0].strip().lower(): state for state in of}


def judged_polling(case: Case, state: str) -> Finding:
    """What ``polling_status`` says of one attribute: stuck, late, failing, or in order."""
    period = case.polled_ms / 1000
    failed = _FAILED.search(state)
    since, again = age_of(state), f"Start its polling again: {case.python(f'a.poll({case.polled_ms})')}"
    if since is None and not failed:
        return warning(f"polled every {period:g} s; no reading yet", "Ask again in a moment")
    if since is not None and since > STUCK_PERIODS * period + STUCK_SECONDS:
        return broken(
            f"polled every {period:g} s, but not updated for {since:.3g} s: the poller is stuck", again
        )
    if failed:
        return warning(f"the last reading by the poller failed: {_error_in(failed[1])}", _read_by_hand(case))
    deltas = _DELTAS.search(state)
    latest = f", last intervals {deltas[1].strip()} ms" if deltas else ""
    told = f"polled every {period:g} s, updated {since or 0.0:.3g} s ago{latest}"
    if since is not None and since > LATE_PERIODS * period + 1.0:
        return warning(f"{told}: the poller is late", f"Poll less often: {case.python('a.poll(PERIOD_MS)')}")
    return ok(told)


def _error_in(text: str) -> str:
    """The description of the first error that ``polling_status`` tells, on one line."""
    told = _DESCRIPTION.search(text)
    return " ".join((told[1] if told else text).split())[:200]


def period_ms(state: str) -> int:
    """The period that ``polling_status`` tells; 0 where it tells none."""
    found = _PERIOD.search(state)
    return int(found[1]) if found else 0


def age_of(state: str) -> float | None:
    """Seconds since the last update, as ``polling_status`` tells them; None where it does not."""
    found = _SINCE.search(state)
    if found is None:
        return None
    parts = _SPAN.findall(found[1].splitlines()[0])
    return sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts) if parts else None


def _read_by_hand(case: Case) -> str:
    return f"Mend what its read method needs, then read it: {case.python('print(a.read())')}"


def read(case: Case) -> Finding:
    """One reading: events carry the same value, quality and error."""
    begun = time.monotonic()
    try:
        value = case.proxy.read_attribute(case.attribute)
    except tango.DevFailed as error:
        took = time.monotonic() - begun
        told = f"reading takes more than {took:.1f} s" if is_timeout(error) else "reading fails"
        return broken(
            f"{told}: {first_words(error)}; events carry this error and no value",
            _read_by_hand(case),
        )
    took, age = time.monotonic() - begun, time.time() - value.time.totime()
    quality = str(value.quality).removeprefix("ATTR_")
    told = f"read in {took * 1000:.0f} ms, {quality}, time stamp {age:.1f} s old"
    if age < -SKEW_SECONDS:
        return warning(
            f"{told}: it lies in the future",
            f"Set the clock of {case.machine}, or of this machine: timedatectl",
        )
    if value.quality == tango.AttrQuality.ATTR_INVALID:
        return warning(f"{told}: events carry no value", "See Status of the device")
    return ok(told)


def history(case: Case) -> Finding:
    """What the publisher counted of this stream so far."""
    try:
        case.pushed_before = pushed_of(case)
    except tango.DevFailed as error:
        if is_missing_command(error):
            return not_tested(
                f"the server has no {QUERY} (Tango before 10.1); the wire tells what is pushed now"
            )
        return warning(f"the server does not tell what it pushed: {first_words(error)}")
    except ReplyError as error:
        return warning(str(error))
    case.queries = True
    if case.pushed_before is None:
        return ok("the server counts no such stream: it has had no subscriber for 10 minutes")
    return ok(f"{case.pushed_before:,} events pushed since somebody subscribed first")
