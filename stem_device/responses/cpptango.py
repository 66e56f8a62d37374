"""The dialect of cppTango >= 10.1, ``"version": 1``.

The records of :mod:`stem_device.model.reply` have its field names, so they are decoded
straight from the text. Source: cppTango, ``docs/`` on ``QueryEventSystem``, and measured replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stem_device.errors import ReplyError
from stem_device.model.reply import (
    Count,
    Dialect,
    EventCallback,
    EventChannel,
    NotConnected,
    PublisherReply,
    Reply,
    SubscriberReply,
)
from stem_device.responses.locate import shown_name

VERSION: Final = 1

# What one entry of each table must be; for naming the entry that is not.
ENTRY_TYPES: Mapping[str, object] = {
    "event_counters": Count,
    "event_callbacks": EventCallback,
    "event_channels": EventChannel,
}


class _Wire(Struct):
    """The whole text. Every key must be there; null where the process has no such side."""

    version: Literal[1]
    server: PublisherReply | None
    client: SubscriberReply | None


_DECODER = msgspec.json.Decoder(_Wire)
_ENCODER = msgspec.json.Encoder()


def decode(text: str) -> Reply:
    """Raises msgspec's errors for what the types refuse, ReplyError for a null the model alone allows."""
    wire = _DECODER.decode(text)
    client = wire.client
    if client is not None:
        _refuse_null_discarded(client.event_callbacks)
        if client.not_connected:
            client = replace(client, not_connected=[_retried(entry) for entry in client.not_connected])
    return Reply(dialect=Dialect.CPPTANGO_1, server=wire.server, client=client)


def encode(reply: Reply) -> bytes:
    """The text this reply came from, apart from unknown keys and white space."""
    return _ENCODER.encode(_Wire(version=VERSION, server=reply.server, client=reply.client))


def _retried(entry: NotConnected) -> NotConnected:
    """Interface changes are events of a device; cppTango writes an attribute of its own invention.

    Before the first heartbeat it writes null.
    """
    dummy = entry.event_type == "intr_change" and entry.attribute == "dummy"
    if entry.last_heartbeat is not None and not dummy:
        return entry
    return replace(
        entry, attribute="" if dummy else entry.attribute, last_heartbeat=entry.last_heartbeat or ""
    )


def _refuse_null_discarded(callbacks: Mapping[str, EventCallback]) -> None:
    """None in the model stands for a dialect without this count; this dialect has it."""
    for topic, callback in callbacks.items():
        if callback.discarded_event_count is None:
            key = f"$.client.event_callbacks[{shown_name(topic)}].discarded_event_count"
            raise ReplyError(key, "Expected `int`, got `null`")
