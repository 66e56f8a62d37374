"""The typed reply of ``QueryEventSystem``, one shape for every dialect.

Field names and meanings are those of cppTango >= 10.1 (reply version 1); the
parsers in :mod:`stem_device.responses` bring other dialects into this shape.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from stem_device.model.limits import MAX_COUNT

# Bounds that the decoders of replies check.
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
SignedMicros = Annotated[int, Meta(ge=-MAX_COUNT, le=MAX_COUNT)]


MAX_NAME_CHARACTERS = 4096
"""Longest name or other text inside a reply."""
Text = Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS)]

SAMPLES_KEPT = 256
"""Samples of each kind that a server keeps until they are read; 257 were measured now and then."""


class Dialect(enum.StrEnum):
    """Which form the reply had on the wire."""

    CPPTANGO_1 = "cppTango 1"
    PATCHED_9_5 = "patched 9.5"


class PublisherSample(Struct, frozen=True, gc=False):
    """Timing of one pushed event.

    ``micros_since_last_event`` is None for the first event after sampling began.
    """

    micros_since_last_event: Count | None
    push_event_micros: Count


class SubscriberSample(Struct, frozen=True, gc=False, omit_defaults=True):
    """Timing of one received event.

    ``attr_name`` is cut to 31 characters by cppTango and empty for a discarded event.
    ``first_callback_latency_micros`` is a difference of two machines' clocks and may be
    negative; None if there is no value. ``event_type`` is told by the patched dialect only.
    """

    attr_name: Text
    micros_since_last_event: Count | None
    sleep_micros: Count
    process_micros: Count
    first_callback_latency_micros: SignedMicros | None
    callback_count: Count
    wake_count: Count
    discarded: bool
    event_type: Text | None = None


class EventCallback(Struct, frozen=True, gc=False):
    """Counters of one subscription.

    ``server_counter`` is the publisher's count in the last event received; 0 before the first.
    ``missed_event_count`` counts the gaps noticed, not the events in them.
    ``discarded_event_count`` is None where the dialect does not tell it.
    ``last_resubscribed`` is ISO 8601 in UTC without zone; None for never.
    """

    channel_name: Text
    callback_count: Count
    server_counter: Count
    event_count: Count
    missed_event_count: Count
    discarded_event_count: Count | None
    last_resubscribed: Text | None


class NotConnected(Struct, frozen=True, gc=False):
    """A subscription that is being retried; ``last_heartbeat`` as cppTango wrote it.

    It is null, and empty once parsed, until there was one (measured: with a form of Taurus).

    ``attribute`` is empty where it is to events of the device, as interface changes.
    """

    device: Text
    attribute: Text
    event_type: Text
    last_heartbeat: Text | None
    tango_host: Text | None

    @property
    def subject(self) -> str:
        """The attribute with its device, or the device alone."""
        return f"{self.device}/{self.attribute}" if self.attribute else self.device


class EventChannel(Struct, frozen=True, gc=False):
    """Where the events of one publisher come from."""

    endpoint: Text


class PublisherReply(Struct, frozen=True):
    """What the server publishes. ``event_counters`` holds pushes + 1 by stream name."""

    event_counters: dict[str, Count]
    perf: list[PublisherSample] | None


class SubscriberReply(Struct, frozen=True):
    """What the server has subscribed to, by topic and by publisher's admin device."""

    event_callbacks: dict[str, EventCallback]
    not_connected: list[NotConnected]
    event_channels: dict[str, EventChannel]
    perf: list[SubscriberSample] | None


class Reply(Struct, frozen=True):
    """One answer. ``server`` is None without a ZMQ supplier, ``client`` if nothing was subscribed."""

    dialect: Dialect
    server: PublisherReply | None
    client: SubscriberReply | None
