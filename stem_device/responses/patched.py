"""The dialect of the patched Tango 9.5 builds that observatories run.

It has no ``version``; ``server`` and ``client`` are left out where cppTango says null; -1 stands
for "no value" in ``micros_since_last_event``; other names are told by the structures below.
It does not carry ``not_connected`` (read as empty) nor ``discarded_event_count`` (read as None);
a sample is ``discarded`` if its ``event_type`` is ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stem_device.model.limits import MAX_COUNT
from stem_device.model.reply import (
    Count,
    Dialect,
    EventCallback,
    EventChannel,
    PublisherReply,
    PublisherSample,
    Reply,
    SignedMicros,
    SubscriberReply,
    SubscriberSample,
    Text,
)

_NEVER_RESUBSCRIBED = "1970-01-01T00:00:00"
_NO_MICROS = -1
_DISCARDED = "UNKNOWN"

_CountOrMinusOne = Annotated[int, Meta(ge=_NO_MICROS, le=MAX_COUNT)]


class _PublisherSample(Struct, gc=False):
    micros_since_last_event: _CountOrMinusOne
    push_event_micros: Count


class _SubscriberSample(Struct, gc=False):
    micros_since_last_event: _CountOrMinusOne
    sleep_micros: Count
    event_type: Text
    att_name: Text
    process_micros: Count
    first_callback_lactency_micros: SignedMicros | None  # misspelt on the wire
    callback_count: Count
    wake_count: Count


class _Callback(Struct, gc=False):
    channel_name: Text
    callback_count: Count
    server_counter: Count
    event_count: Count
    missed_event_count: Count
    last_resubscribed: Text | None


class _Server(Struct):
    event_counters: dict[str, Count]
    perf_stats: list[_PublisherSample] | None


class _Client(Struct):
    event_callbacks: dict[str, _Callback]
    event_channels: dict[str, EventChannel]
    perf_stats: list[_SubscriberSample] | None


class _Wire(Struct, omit_defaults=True):
    server: _Server | None = None
    client: _Client | None = None


# What one entry of each table must be; for naming the entry that is not.
ENTRY_TYPES: Mapping[str, object] = {
    "event_counters": Count,
    "event_callbacks": _Callback,
    "event_channels": EventChannel,
}

_DECODER = msgspec.json.Decoder(_Wire)
_ENCODER = msgspec.json.Encoder()


def decode(text: str) -> Reply:
    """Raises msgspec's errors for what the types refuse."""
    wire = _DECODER.decode(text)
    return Reply(
        dialect=Dialect.PATCHED_9_5,
        server=None if wire.server is None else _publisher(wire.server),
        client=None if wire.client is None else _subscriber(wire.client),
    )


def encode(reply: Reply) -> bytes:
    """The reply in this dialect; what the dialect does not carry (see above) is not written."""
    wire = _Wire(
        server=None if reply.server is None else _server(reply.server),
        client=None if reply.client is None else _client(reply.client),
    )
    return _ENCODER.encode(wire)


def _publisher(server: _Server) -> PublisherReply:
    perf = server.perf_stats
    samples = None if perf is None else [_publisher_sample(sample) for sample in perf]
    return PublisherReply(event_counters=server.event_counters, perf=samples)


def _subscriber(client: _Client) -> SubscriberReply:
    perf = client.perf_stats
    return SubscriberReply(
        event_callbacks={topic: _callback(entry) for topic, entry in client.event_callbacks.items()},
        not_connected=[],
        event_channels=client.event_channels,
        perf=None if perf is None else [_subscriber_sample(sample) for sample in perf],
    )


def _callback(entry: _Callback) -> EventCallback:
    last = entry.last_resubscribed
    return EventCallback(
        entry.channel_name,
        entry.callback_count,
        entry.server_counter,
        entry.event_count,
        entry.missed_event_count,
        None,
        None if last == _NEVER_RESUBSCRIBED else last,
    )


# Positional arguments: twice as fast, and there are hundreds of samples in a reply.
def _publisher_sample(sample: _PublisherSample) -> PublisherSample:
    since = sample.micros_since_last_event
    return PublisherSample(None if since == _NO_MICROS else since, sample.push_event_micros)


def _subscriber_sample(sample: _SubscriberSample) -> SubscriberSample:
    since = sample.micros_since_last_event
    return SubscriberSample(
        sample.att_name,
        None if since == _NO_MICROS else since,
        sample.sleep_micros,
        sample.process_micros,
        sample.first_callback_lactency_micros,
        sample.callback_count,
        sample.wake_count,
        sample.event_type == _DISCARDED,
        sample.event_type,
    )


def _server(publisher: PublisherReply) -> _Server:
    perf = publisher.perf
    return _Server(
        event_counters=publisher.event_counters,
        perf_stats=None if perf is None else [_wire_publisher_sample(sample) for sample in perf],
    )


def _client(subscriber: SubscriberReply) -> _Client:
    perf = subscriber.perf
    return _Client(
        event_callbacks={topic: _wire_callback(entry) for topic, entry in subscriber.event_callbacks.items()},
        event_channels=subscriber.event_channels,
        perf_stats=None if perf is None else [_wire_subscriber_sample(sample) for sample in perf],
    )


def _wire_callback(entry: EventCallback) -> _Callback:
    return _Callback(
        channel_name=entry.channel_name,
        callback_count=entry.callback_count,
        server_counter=entry.server_counter,
        event_count=entry.event_count,
        missed_event_count=entry.missed_event_count,
        last_resubscribed=_NEVER_RESUBSCRIBED if entry.last_resubscribed is None else entry.last_resubscribed,
    )


def _wire_publisher_sample(sample: PublisherSample) -> _PublisherSample:
    since = sample.micros_since_last_event
    return _PublisherSample(_NO_MICROS if since is None else since, sample.push_event_micros)


def _wire_subscriber_sample(sample: SubscriberSample) -> _SubscriberSample:
    since = sample.micros_since_last_event
    return _SubscriberSample(
        micros_since_last_event=_NO_MICROS if since is None else since,
        sleep_micros=sample.sleep_micros,
        event_type=_DISCARDED if sample.event_type is None else sample.event_type,
        att_name=sample.attr_name,
        process_micros=sample.process_micros,
        first_callback_lactency_micros=sample.first_callback_latency_micros,
        callback_count=sample.callback_count,
        wake_count=sample.wake_count,
    )
