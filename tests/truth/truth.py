"""The truth of a row, from the journals; and when the monitor looked, from its polls.

Truly lost is what was pushed while the subscription existed and never given to its callback. Of it is
*observed*: pushed after the second poll that saw this subscription connected with this life of the publisher,
and by the last but one poll at which both lives answered. (The rules promise a little more, from the base on,
which the journals do not know.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.truth.journal import Life
from tests.truth.lab import Json, utc_ns

NEVER = 1 << 62
SLACK_NS = 50_000_000
"""A poll's time has whole milliseconds, and reading a reply takes some."""
FIRST_SLACK_NS = 500_000_000
"""The first poll asks the database who everybody is, before it asks for counters."""


@dataclass(frozen=True)
class Truth:
    """Events, over all subscriptions of the row, from the first poll to the last.

    ``received`` is a range: what arrived after the last poll of a life cannot be known to any monitor, and
    what arrived about that moment may be in it or not. ``noticed``: of the lost ones, those that a later
    event of the same two lives followed: the subscriber has noticed a gap.
    """

    pushed: int
    received: tuple[int, int]
    lost: int
    noticed: int
    observed_lost: int
    lost_before: int


@dataclass(frozen=True)
class Span:
    """A subscription: from its making to its end, in one life of the subscriber."""

    life: Life
    attribute: str
    begin_ns: int
    end_ns: int


def truth_of(publishers: Sequence[Life], subscribers: Sequence[Life], history: Sequence[Json]) -> Truth:
    """``history`` holds the polls of a monitor that has both servers as targets or follows them."""
    first, final = utc_ns(history[0]["monitoringSince"]), utc_ns(history[-1]["time"])
    spans = [span for life in subscribers for span in _spans(life)]
    lost, before, observed, noticed = 0, 0, 0, 0
    for span in spans:
        events = span.life.of("event", span.attribute)
        got = {line.value for line in events if span.begin_ns <= line.utc_ns < span.end_ns}
        for publisher in publishers:
            pushes = publisher.of("push", span.attribute)
            existed = range(span.begin_ns, min(span.end_ns, final))
            gone = [p.utc_ns for p in pushes if p.value not in got and p.utc_ns in existed]
            last = max((p.utc_ns for p in pushes if p.value in got), default=0)
            begin, end = _observed(publisher, span, history)
            lost += sum(t > first - SLACK_NS for t in gone)
            noticed += sum(first - SLACK_NS < t < last for t in gone)
            before += sum(t < first for t in gone)
            observed += sum(begin < t < end for t in gone)
    pushed = sum(
        line.kind == "push" and first < line.utc_ns < final for life in publishers for line in life.lines
    )
    return Truth(pushed, _received(subscribers, history, first), lost, noticed, observed, before)


def _spans(life: Life) -> Iterator[Span]:
    open_spans: dict[str, int] = {}
    for line in life.lines:
        if line.kind == "subscribing":
            open_spans[line.attribute] = line.utc_ns
        elif line.kind == "unsubscribed" and line.attribute in open_spans:
            yield Span(life, line.attribute, open_spans.pop(line.attribute), line.utc_ns)
    for attribute, begin in open_spans.items():
        yield Span(life, attribute, begin, life.end_ns or NEVER)


def _observed(publisher: Life, span: Span, history: Sequence[Json]) -> tuple[int, int]:
    """Between which times a push of this life is observed for this subscription; an empty range for never."""
    connected = [
        line.utc_ns
        for line in span.life.lines
        if line.attribute == span.attribute
        and line.kind in ("reading", "event")
        and max(publisher.begin_ns, span.begin_ns) <= line.utc_ns < span.end_ns
    ]
    asked = [(_answered(p, "publisher", publisher), _answered(p, "subscriber", span.life)) for p in history]
    both = [pair for pair in asked if min(pair) > span.begin_ns and max(pair) < span.end_ns]
    seen = [pair for pair in both if connected and min(pair) > connected[0]]
    if len(seen) < 3:
        return NEVER, 0
    from_the_beginning = seen[0] == both[0] and _answered(history[0], "publisher", publisher) == both[0][0]
    base = seen[0] if from_the_beginning else seen[1]
    return max(base) + SLACK_NS, both[-2][0] - SLACK_NS


def _received(subscribers: Sequence[Life], history: Sequence[Json], first: int) -> tuple[int, int]:
    low = high = 0
    for life in subscribers:
        events = [line.utc_ns for line in life.lines if line.kind == "event"]
        asked = [t for poll in history if (t := _answered(poll, "subscriber", life))]
        at_baseline = life.begin_ns < first
        begin = asked[0] if asked and at_baseline else 0
        last = asked[-1] if asked else 0
        low += sum(begin + FIRST_SLACK_NS < t < last - SLACK_NS for t in events)
        # On a busy machine a poll may be over before the watcher looks: the first, or the last of a life.
        most = NEVER if life.end_ns is not None else last + FIRST_SLACK_NS
        high += sum((first - SLACK_NS if at_baseline else 0) < t < most for t in events)
    return low, high


def _answered(poll: Json, role: str, life: Life) -> int:
    """When this life was asked in this poll; 0 if it did not answer then."""
    asked = _asked(poll, role)
    return asked if asked and life.contains(asked) else 0


def _asked(poll: Json, role: str) -> int:
    server: Any = next((s for s in poll["servers"] if s["name"].endswith(role)), None)
    if server is None or server["state"] != "monitored" or server["ageSeconds"] != 0:
        return 0
    return utc_ns(server["asked"])
