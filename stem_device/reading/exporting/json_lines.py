"""Back to JSON lines: replies rebuilt from the recording, so that importing them gives the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from msgspec import structs

from stem_device.model.mark import Mark, MarkKind
from stem_device.model.reply import (
    Dialect,
    EventCallback,
    EventChannel,
    PublisherReply,
    PublisherSample,
    Reply,
    SubscriberReply,
    SubscriberSample,
)
from stem_device.model.snapshot import ServerRecord, Snapshot, SubscriptionRecord
from stem_device.reading.exporting.text_file import new_text_file
from stem_device.reading.recording import Recording
from stem_device.recording.jsonl import mark_line, poll_line
from stem_device.responses import encode_reply


def write_json_lines(recording: Recording, path: Path, progress: Callable[[float], None]) -> int:
    """One line a poll and a mark, marks where they were received. Returns how many lines."""
    marks, polls, lines = marks_of(recording), max(len(recording["polls"]), 1), 0
    with new_text_file(path) as file:
        for number, snapshot in enumerate(recording.snapshots(), 1):
            while marks and marks[-1].received_utc_ns <= snapshot.time_utc_ns:
                file.write(mark_line(marks.pop()))
                lines += 1
            file.write(poll_line(with_replies(snapshot)))
            lines += 1
            progress(number / polls)
        for mark in reversed(marks):
            file.write(mark_line(mark))
    return lines + len(marks)


def marks_of(recording: Recording) -> list[Mark]:
    """The selected marks, the last received first."""
    table = recording["marks"]
    columns = {name: table[name].tolist() for name in Mark.__struct_fields__}
    columns["kind"] = list(map(MarkKind, columns["kind"]))
    columns["iteration"] = [None if value == -1 else value for value in columns["iteration"]]
    found = [Mark(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    return sorted(found, key=lambda mark: mark.received_utc_ns, reverse=True)


def with_replies(snapshot: Snapshot) -> Snapshot:
    """The Snapshot with a text of a reply for each server that answered in this poll."""
    publisher, subscriber = _samples(snapshot)
    servers = tuple(
        structs.replace(record, texts=(_text(record, publisher[index], subscriber[index]),))
        if record.answered
        else record
        for index, record in enumerate(snapshot.servers)
    )
    return replace(snapshot, servers=servers)


def _text(record: ServerRecord, publisher: list[PublisherSample], subscriber: list[SubscriberSample]) -> str:
    subscriptions = [row for row in record.subscriptions if not row.ended]
    has_client = subscriptions or record.channels or record.not_connected or subscriber
    client = SubscriberReply(
        event_callbacks={row.topic: _callback(row) for row in subscriptions},
        not_connected=list(record.not_connected),
        event_channels={name: EventChannel(endpoint) for name, endpoint in record.channels.items()},
        perf=subscriber if record.sampling else None,
    )
    counters = {stream.name: stream.pushed + 1 for stream in record.streams}
    server = PublisherReply(event_counters=counters, perf=publisher if record.sampling else None)
    return encode_reply(Reply(Dialect.CPPTANGO_1, server, client if has_client else None)).decode()


def _callback(row: SubscriptionRecord) -> EventCallback:
    return EventCallback(
        channel_name=row.publisher,
        callback_count=row.callback_count,
        server_counter=row.server_counter,
        event_count=row.event_count,
        missed_event_count=row.missed_event_count,
        discarded_event_count=row.discarded_event_count,
        last_resubscribed=row.last_resubscribed,
    )


def _samples(snapshot: Snapshot) -> tuple[list[list[PublisherSample]], list[list[SubscriberSample]]]:
    """By server, in the order in which they came."""
    publisher: list[list[PublisherSample]] = [[] for _ in snapshot.servers]
    subscriber: list[list[SubscriberSample]] = [[] for _ in snapshot.servers]
    pushed = snapshot.publisher_samples
    for server, since, push in zip(
        pushed.server.tolist(),
        _whole(pushed.micros_since_last_event),
        pushed.push_event_micros.tolist(),
        strict=True,
    ):
        publisher[server].append(PublisherSample(since, push))
    received = snapshot.subscriber_samples
    for server, *values in zip(
        received.server.tolist(),
        received.attr_name,
        _whole(received.micros_since_last_event),
        received.sleep_micros.tolist(),
        received.process_micros.tolist(),
        _whole(received.first_callback_latency_micros),
        received.callback_count.tolist(),
        received.wake_count.tolist(),
        received.discarded.tolist(),
        received.event_type,
        strict=True,
    ):
        subscriber[server].append(SubscriberSample(*values))
    return publisher, subscriber


def _whole(values: npt.NDArray[Any]) -> Iterator[int | None]:
    """NaN is None."""
    return (None if math.isnan(value) else int(value) for value in values.tolist())
