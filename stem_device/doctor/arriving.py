"""Links 15, 16 and 18: heartbeats, events on the wire, and events at the callback."""

from __future__ import annotations

from stem_device.doctor.case import Case, many
from stem_device.doctor.diagnosis import Finding, broken, not_tested, ok, warning
from stem_device.doctor.observing import Observed, observe

HEARTBEAT_SECONDS = 10.0
"""Heartbeats come every 9 or 10 s: who waits for a shorter time can miss none."""

ARRIVAL_SECONDS = 1.5
"""An event this old has passed every callback that is not blocked."""

_NEEDS_PYZMQ = "pyzmq is not installed here"
_INSTALL = "Install it: python3 -m pip install 'stem-device[wire]'"


def heartbeat(case: Case) -> Finding:
    """Heard by a plain socket."""
    seen = observe(case)
    if seen.heard is None:
        return not_tested(_NEEDS_PYZMQ, _INSTALL)
    if not case.heartbeats:
        return not_tested("the server names no endpoint for heartbeats")
    beats = len(seen.heard.heartbeats)
    if beats:
        return ok(f"{beats} in {seen.seconds:.1f} s")
    if seen.seconds <= HEARTBEAT_SECONDS:
        return not_tested(f"none in {seen.seconds:.1f} s, and one may be 10 s away", "Wait longer: --wait 12")
    return broken(
        f"none in {seen.seconds:.1f} s at {case.heartbeats[0]}, where one comes every 10 s: the server's "
        "thread is stuck, or the network lets packets through one way only",
        f"Restart the server: {case.start_command}",
    )


def wire(case: Case) -> Finding:
    """What came through the event port, against what the publisher counted meanwhile."""
    seen: Observed = case.observed
    if seen.heard is None:
        return not_tested(_NEEDS_PYZMQ, _INSTALL)
    heard, pushed = seen.heard, seen.pushed
    if heard.counters:
        lost = f", {heard.gaps:,} numbers missing in between" if heard.gaps else ""
        numbers = f"numbers {heard.counters[0]:,} to {heard.counters[-1]:,}"
        return ok(f"{many(len(heard.counters), 'event')} in {seen.seconds:.1f} s, {numbers}{lost}")
    if pushed:
        return broken(
            f"{many(pushed, 'event')} pushed, 0 on the wire at {(*case.endpoints, 'no endpoint')[0]}",
            "Let the event port through all firewalls, or fix it in the environment of the server and open "
            "that: export TANGO_ZMQ_EVENT_PORT=PORT",
        )
    if not case.endpoints:
        return not_tested("no event endpoint can be reached")
    return not_tested(f"no event was seen in {seen.seconds:.1f} s, and none is known to have been pushed")


def callback(case: Case) -> Finding:
    """What the doctor's own callback was called with."""
    seen: Observed | None = case.observed
    calls = case.callbacks
    errors = ", ".join(f"{count} x {reason}" for reason, count in sorted(calls.errors.items()))
    if calls.updates:
        latency = calls.median_latency_seconds
        late = "" if latency is None else f", in the median {latency * 1000:.1f} ms after their time stamp"
        told = f"called with {many(calls.updates, 'event')}{late}"
        by_hand = f"Read it: {case.python('print(a.read())')}"
        return warning(f"{told}; with errors: {errors}", by_hand) if errors else ok(told)
    if errors:
        return warning(f"called with errors only: {errors}", f"Read it: {case.python('print(a.read())')}")
    old = [] if seen is None or seen.heard is None else seen.heard.moments
    if old and seen is not None and old[0] < seen.ended - ARRIVAL_SECONDS:
        return broken(
            f"{many(len(old), 'event')} on the wire, none at the callback: the client filters for another "
            "topic, or its thread is blocked",
            f"Compare the spelling of the database with the topic: export TANGO_HOST={case.host}",
        )
    return not_tested("no event came that it could have been called with")
