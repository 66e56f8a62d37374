"""Several replies of one server in one poll, as one.

Reading empties the sample buffers, so each reply holds samples that no other has;
the counters in the last reply include those of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from stem_device.errors import ReplyError
from stem_device.model.reply import PublisherReply, Reply, SubscriberReply

_Sample = TypeVar("_Sample")


def merge_samples(replies: Sequence[Reply]) -> Reply:
    """The last reply with the samples of all, oldest first. Raises ReplyError without any reply.

    Samples of a side that has gone from the last reply (the server was restarted in between) are kept,
    beside empty tables.
    """
    if not replies:
        raise ReplyError("$", "there is no reply to merge")
    if len(replies) == 1:
        return replies[0]
    return replace(replies[-1], server=_publisher(replies), client=_subscriber(replies))


def _publisher(replies: Sequence[Reply]) -> PublisherReply | None:
    last = replies[-1].server
    samples = _joined(reply.server.perf for reply in replies if reply.server is not None)
    if last is None:
        return PublisherReply(event_counters={}, perf=samples) if samples else None
    return replace(last, perf=samples)


def _subscriber(replies: Sequence[Reply]) -> SubscriberReply | None:
    last = replies[-1].client
    samples = _joined(reply.client.perf for reply in replies if reply.client is not None)
    if last is None:
        empty = SubscriberReply(event_callbacks={}, not_connected=[], event_channels={}, perf=samples)
        return empty if samples else None
    return replace(last, perf=samples)


def _joined(parts: Iterable[list[_Sample] | None]) -> list[_Sample] | None:
    """All samples in one list; None if sampling was off throughout."""
    known = [part for part in parts if part is not None]
    return [sample for part in known for sample in part] if known else None
