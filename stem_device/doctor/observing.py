"""The span of time in which heartbeats, the wire, the value and the callback are watched, all at once."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tango

from stem_device.doctor.case import Case
from stem_device.doctor.streams import pushed_of
from stem_device.doctor.wire import Heard, Wire
from stem_device.errors import ReplyError

if TYPE_CHECKING:
    from stem_device.doctor.watching import Watching

CONNECT_SECONDS = 0.5
"""Until plain sockets have connected, on a busy machine too; what is pushed before counts for nothing."""

READ_EVERY_SECONDS = 0.5
LISTEN_SECONDS = 0.1
ENOUGH_EVENTS = 2
"""The first polling after a subscription pushes once, whatever the criteria say: one event is no flow."""


@dataclass
class Observed:
    """What was seen. ``values`` are (monotonic seconds, value) of readings beside the subscription."""

    seconds: float = 0.0
    ended: float = 0.0
    heard: Heard | None = None  # None: no pyzmq
    values: list[tuple[float, Any]] = field(default_factory=list)
    pushed: int | None = None
    updates: int = 0
    watching: Watching | None = None

    @property
    def events(self) -> int:
        """How many came, or are known to have been pushed."""
        return max(self.updates, len(self.heard.counters) if self.heard else 0, self.pushed or 0)


def observe(case: Case) -> Observed:
    """Watch for ``wait_seconds``, or until all that can be proven is."""
    seen = case.observed = Observed()
    with ExitStack() as stack:
        wire_ = None
        with suppress(ImportError):
            wire_ = stack.enter_context(_wire(case))
            seen.heard = wire_.heard
        if case.question.subscriber:
            from stem_device.doctor.watching import Watching  # noqa: PLC0415 - imports the whole accounting

            seen.watching = Watching(case.question.subscriber, case.admin_name, case.host, case.topic)
            stack.callback(seen.watching.close)
        begun = time.monotonic()
        _watch(case, seen, wire_, begun)
        seen.ended = time.monotonic()
        seen.seconds = seen.ended - begun
        seen.updates = case.callbacks.updates
    return seen


def _wire(case: Case) -> Wire:
    """All topics of the attribute: the one that a server tells is not always the one that it uses."""
    prefix = case.topic.rpartition(".")[0] + "."
    return Wire(prefix, case.event.wire_name, case.endpoints, case.heartbeats)


def _watch(case: Case, seen: Observed, wire_: Wire | None, begun: float) -> None:
    before, next_read = None, 0.0
    connected = begun + CONNECT_SECONDS
    while (now := time.monotonic()) < begun + case.question.wait_seconds and not _all_is_proven(case, seen):
        if now >= connected and before is None:
            before = _pushed(case)
        if now >= next_read:
            _read(case, seen)
            next_read = time.monotonic() + READ_EVERY_SECONDS
        _listen(wire_, LISTEN_SECONDS)
    after = _pushed(case)
    if before is not None and after is not None:
        seen.pushed = after - before
    _listen(wire_, LISTEN_SECONDS)


def _listen(wire_: Wire | None, seconds: float) -> None:
    if wire_ is None:
        time.sleep(seconds)
    else:
        wire_.listen(seconds)


def _pushed(case: Case) -> int | None:
    if not case.queries:
        return None
    try:
        return pushed_of(case)
    except (tango.DevFailed, ReplyError):
        return None


def _read(case: Case, seen: Observed) -> None:
    with suppress(tango.DevFailed):
        value = case.proxy.read_attribute(case.attribute).value
        seen.values.append((time.monotonic(), value))


def _all_is_proven(case: Case, seen: Observed) -> bool:
    heard = seen.heard
    if seen.watching is not None or heard is None:
        return False
    return (
        bool(heard.heartbeats or not case.heartbeats)
        and len(heard.counters) >= ENOUGH_EVENTS
        and case.callbacks.updates > 0
        and bool(seen.values)
    )
