"""Short-hand for polls made of counters, for the tests of the accounting."""

from __future__ import annotations

from collections.abc import Mapping

from stem_device.model.poll import Answer, Poll, ServerState
from stem_device.model.reply import (
    Dialect,
    EventCallback,
    EventChannel,
    NotConnected,
    PublisherReply,
    PublisherSample,
    Reply,
    SubscriberReply,
    SubscriberSample,
)

DATABASE = "tango://127.0.0.1:10000/"
STREAM = DATABASE + "test/pub/1/attr.change"
TOPIC = DATABASE + "test/pub/1/attr.idl5_change"
PUBLISHER = DATABASE + "dserver/pub/1"
SUBSCRIBER = DATABASE + "dserver/sub/1"
ENDPOINT = "tcp://127.0.0.1:5000"
SECOND = 1_000_000_000


def callback(c: int, e: int, m: int = 0, d: int | None = 0, *, since: str | None = None) -> EventCallback:
    return EventCallback(PUBLISHER, 1, c, e, m, d, since)


def publisher(pushed: int | None, *, stream: str = STREAM, samples: int | None = None) -> Reply:
    """A publisher whose stream was pushed so often; None: it has no stream."""
    counters = {} if pushed is None else {stream: pushed + 1}
    perf = None if samples is None else [PublisherSample(10, 5)] * samples
    return Reply(Dialect.CPPTANGO_1, PublisherReply(counters, perf), None)


def subscriber(
    now: EventCallback | None,
    *,
    topic: str = TOPIC,
    endpoint: str = ENDPOINT,
    samples: list[SubscriberSample] | None = None,
    not_connected: list[NotConnected] | None = None,
) -> Reply:
    callbacks = {} if now is None else {topic: now}
    channels = {PUBLISHER: EventChannel(endpoint)}
    return Reply(Dialect.CPPTANGO_1, None, SubscriberReply(callbacks, not_connected or [], channels, samples))


def answer(server: str, reply: Reply | None, number: int, *, sampling: bool = False) -> Answer:
    state = ServerState.UNREACHABLE if reply is None else ServerState.MONITORED
    at = number * SECOND
    return Answer(
        server=server,
        state=state,
        reply=reply,
        sampling=sampling,
        asked_monotonic_ns=at,
        answered_monotonic_ns=at + 1_000_000,
    )


def poll(number: int, answers: Mapping[str, Reply | None], *, sampling: bool = False) -> Poll:
    """Poll ``number`` at second ``number``; a server without a reply did not answer."""
    return Poll(
        number=number,
        started_utc_ns=number * SECOND,
        started_monotonic_ns=number * SECOND,
        duration_seconds=0.001,
        spread_seconds=0.0,
        overruns_total=0,
        answers=tuple(answer(name, reply, number, sampling=sampling) for name, reply in answers.items()),
    )
