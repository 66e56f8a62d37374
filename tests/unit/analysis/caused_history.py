"""One publisher, one queue, one consumer: Snapshots of polls of a system whose history the test decides.

Not cppTango, but its arithmetic: events go into a queue of ``queue`` places, the newest are dropped when it
is full, a gap is noticed with the first event after it, and overdue is what was pushed by the poll before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec.structs import replace

from stem_device.analysis.causes import Analyst
from stem_device.model.finding import Finding
from stem_device.model.poll import Failure, Identity, ServerState
from stem_device.model.snapshot import (
    NO_TELEMETRY,
    Counts,
    Link,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    Timings,
)
from tests.unit import plain_records

HOST = "tango://127.0.0.1:10000/"
PUBLISHER, SUBSCRIBER = HOST + "dserver/pub/1", HOST + "dserver/sub/1"
STREAM, TOPIC = HOST + "test/pub/1/attr.change", HOST + "test/pub/1/attr.idl5_change"
SECOND = 1_000_000_000
BEGIN = 1_790_000_000 * SECOND
NAN = float("nan")


class System:
    """Polled every ``period`` seconds; ``callback`` seconds an event; ``sampled``: with timing samples."""

    def __init__(
        self, *, period: float = 0.5, callback: float = 0.0001, queue: int = 2000, sampled: bool = False
    ) -> None:
        self.period, self.callback, self.queue, self.sampled = period, callback, queue, sampled
        self.sampled_callback = callback  # what samples say, seconds
        self.blocked = self.disconnected = False
        self.pushed = self.received = self.counter = self.missed = self.gaps = 0
        self.published = self.unaccounted = self.resets = 0
        self.others = 0
        self.telemetry = NO_TELEMETRY  # of the next poll
        self.analyst = Analyst(refresh_seconds=0.0)
        self.last: Snapshot | None = None
        self.snapshots: list[Snapshot] = []
        self.subscriber: dict[str, Any] = {"identity": Identity(1, 11, "", BEGIN)}
        self.publisher: dict[str, Any] = {"identity": Identity(1, 12, "", BEGIN)}
        self.record: dict[str, Any] = {"first_seen_utc_ns": BEGIN, "link": Link.LIVE}
        self._polls = 0
        self._queue: list[int] = []
        self._pushed_before = 0
        self._debt = 0.0

    @property
    def now(self) -> int:
        return BEGIN + round(self._polls * self.period * SECOND)

    def poll(self, push: int = 0, **once: Any) -> Snapshot:
        """Push, let the consumer work for one period, then poll; ``once`` changes the record of this poll."""
        missed, received = self.missed, self.received
        self._pushed_before = self.pushed
        self._push(push)
        samples = self._consume()
        self._polls += 1
        overdue = max(0, self._pushed_before - self.counter)
        values = {
            "topic": TOPIC,
            "stream": STREAM,
            "publisher": PUBLISHER,
            "server_counter": self.counter,
            "event_count": self.received,
            "received_total": self.received,
            "received_delta": self.received - received,
            "missed_total": self.missed,
            "missed_delta": self.missed - missed,
            "unaccounted_total": self.unaccounted + once.get("unaccounted_delta", 0),
            "resets_total": self.resets,
            "overdue": overdue,
        }
        self.unaccounted = values["unaccounted_total"]
        record = replace(plain_records.SUBSCRIPTION, **(values | self.record | once))
        self.last = self.analyst.complete(self._snapshot(record, push, samples))
        self.telemetry = NO_TELEMETRY
        self.snapshots.append(self.last)
        return self.last

    def polls(self, pushes: Iterable[int]) -> Snapshot:
        for push in pushes:
            last = self.poll(push)
        return last

    @property
    def finding(self) -> Finding | None:
        """The one about the subscription in the last poll."""
        assert self.last is not None
        assert len(self.last.findings) < 2
        return self.last.findings[0] if self.last.findings else None

    def _push(self, events: int) -> None:
        served = 0 if self.blocked or self.disconnected else round(self.period / self.callback)
        # What is served while the pushes last leaves places; they last a tenth of the period.
        places = self.queue - len(self._queue) + served // 10
        for _ in range(events):
            self.pushed += 1
            self.published += 1
            if places > 0 and not self.disconnected:
                places -= 1
                self._queue.append(self.pushed)

    def _consume(self) -> int:
        if self.blocked or self.disconnected:
            return 0
        self._debt += self.period / self.callback
        taken = self._queue[: int(self._debt)]
        self._debt = 0.0 if len(taken) == len(self._queue) else self._debt - len(taken)
        del self._queue[: len(taken)]
        for number in taken:
            if number > self.counter + 1 and self.counter:
                self.missed += number - self.counter - 1
                self.gaps += 1
            elif number > self.counter + 1:
                self.missed += number - 1
            self.counter = number
            self.received += 1
        return len(taken)

    def _snapshot(self, record: SubscriptionRecord, push: int, samples: int) -> Snapshot:
        counts = Counts(
            received=self.received + self.others,
            missed=self.missed,
            overdue=record.overdue or 0,
            unaccounted=self.unaccounted,
        )
        subscriber = self._server(SUBSCRIBER, self.subscriber, counts=counts, subscriptions=(record,))
        stream = StreamRecord(STREAM, self.pushed, self.published, push, 0)
        publisher = self._server(PUBLISHER, self.publisher, streams=(stream,))
        shown = min(samples, 256) if self.sampled else 0
        return Snapshot(
            poll=self._polls,
            time_utc_ns=self.now,
            monotonic_ns=self.now - BEGIN + SECOND,
            duration_seconds=0.01,
            spread_seconds=0.001,
            overruns_total=0,
            monitoring_since_utc_ns=BEGIN,
            counts=counts,
            published_rate=0.0,
            received_rate=0.0,
            sample_coverage=NAN,
            timings=Timings(NAN, NAN, NAN, NAN),
            servers=(subscriber, publisher),
            publisher_samples=PublisherSamples(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)),
            subscriber_samples=SubscriberSamples(
                server=np.zeros(shown, np.int64),
                attr_name=("attr",) * shown,
                event_type=(None,) * shown,
                micros_since_last_event=np.zeros(shown),
                sleep_micros=np.zeros(shown, np.int64),
                process_micros=np.full(shown, round(self.sampled_callback * 1e6), np.int64),
                first_callback_latency_micros=np.full(shown, 100.0),
                callback_count=np.ones(shown, np.int64),
                wake_count=np.ones(shown, np.int64),
                discarded=np.zeros(shown, np.bool_),
            ),
            problems=(),
            telemetry=self.telemetry,
        )

    def _server(self, name: str, changes: dict[str, Any], **more: Any) -> ServerRecord:
        values = {"name": name, "sampling": self.sampled, "since_utc_ns": BEGIN}
        return replace(plain_records.SERVER, **(values | more | changes))


def gone(failure: Failure, since_utc_ns: int, *, ended: bool = False) -> dict[str, Any]:
    """What a server that does not answer is like."""
    state = ServerState.NOT_EXPORTED if failure is Failure.NOT_EXPORTED else ServerState.UNREACHABLE
    return {
        "state": state,
        "failure": failure,
        "since_utc_ns": since_utc_ns,
        "ended": ended,
        "reason": "gone",
    }
