"""What goes over the wire, for people: rates since the last report, and what each stream sent so far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.model.topics import stream_of
from stem_device.polling.tapping import Publisher
from stem_device.report import number_text
from stem_device.report.fitting import Name
from stem_device.report.lines import quoted
from stem_device.wire.tap import TapCounts


class StreamTraffic(Struct, frozen=True):
    """One topic. ``rate`` in events/s and ``bytes_per_second`` since the last report, the rest so far.

    ``size`` is the mean of an event in bytes; ``pushed`` None where events carry no number.
    """

    server: str
    topic: str
    rate: float
    bytes_per_second: float
    size: float
    pushed: int | None
    heard: int
    lost_here: int
    lost_on_the_way: int
    duplicates: int
    restarts: int

    @property
    def stream(self) -> str:
        return stream_of(self.topic)


class PublisherTraffic(Struct, frozen=True):
    """One publisher. ``heartbeat_age_seconds`` is None before the first."""

    server: str
    endpoint: str
    connected: bool
    heartbeats: int
    heartbeat_age_seconds: float | None
    others: int


class TrafficReport(Struct, frozen=True):
    """At one moment; ``streams`` with the highest rate first."""

    time_utc_ns: int
    publishers: tuple[PublisherTraffic, ...]
    streams: tuple[StreamTraffic, ...]
    notes: tuple[str, ...]
    footer: str = ""

    @property
    def rate(self) -> float:
        return sum(one.rate for one in self.streams)

    @property
    def bytes_per_second(self) -> float:
        return sum(one.bytes_per_second for one in self.streams)


class Traffic:
    """Makes reports of counts: remembers those of the last one."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[int, int]] = {}
        self._moment = time.monotonic()
        self.tapped_any = False

    def ended(self, key: str, _counts: TapCounts) -> None:
        """That publisher is tapped no longer."""
        self._before = {known: value for known, value in self._before.items() if known[0] != key}

    def report(
        self,
        publishers: Mapping[str, Publisher],
        counts: Mapping[str, TapCounts],
        notes: Sequence[str],
        footer: str = "",
    ) -> TrafficReport:
        """The report since the last one."""
        now = time.monotonic()
        seconds, self._moment = max(now - self._moment, 1e-3), now
        self.tapped_any = self.tapped_any or any(one.connected for one in counts.values())
        streams = [
            one
            for key, told in counts.items()
            for one in self._streams(key, publishers[key].server, told, seconds)
        ]
        streams.sort(key=lambda one: (-one.rate, -one.heard, one.topic))
        return TrafficReport(
            time_utc_ns=time.time_ns(),
            publishers=tuple(
                PublisherTraffic(
                    server=publishers[key].server,
                    endpoint=told.endpoint,
                    connected=told.connected,
                    heartbeats=told.heartbeats,
                    heartbeat_age_seconds=now - told.last_heartbeat_ns / 1e9
                    if told.last_heartbeat_ns
                    else None,
                    others=told.others,
                )
                for key, told in counts.items()
            ),
            streams=tuple(streams),
            notes=tuple(notes),
            footer=footer,
        )

    def _streams(self, key: str, server: str, told: TapCounts, seconds: float) -> Iterator[StreamTraffic]:
        for topic in told.topics:
            heard, size = self._before.get((key, topic.topic), (0, 0))
            self._before[key, topic.topic] = (topic.heard, topic.size)
            yield StreamTraffic(
                server=server,
                topic=topic.topic,
                rate=(topic.heard - heard) / seconds,
                bytes_per_second=(topic.size - size) / seconds,
                size=topic.size / topic.heard if topic.heard else 0.0,
                pushed=topic.pushed,
                heard=topic.heard,
                lost_here=topic.lost_here,
                lost_on_the_way=topic.lost_on_the_way,
                duplicates=topic.duplicates,
                restarts=topic.series - 1,
            )


def traffic_document(report: TrafficReport) -> dict[str, Any]:
    """For JSON; documented in docs/reference/command-line.md."""
    return {
        "time": number_text.utc(report.time_utc_ns),
        "eventsPerSecond": report.rate,
        "bytesPerSecond": report.bytes_per_second,
        "publishers": [
            {
                "server": one.server,
                "endpoint": one.endpoint,
                "connected": one.connected,
                "heartbeats": one.heartbeats,
                "heartbeatAgeSeconds": one.heartbeat_age_seconds,
                "others": one.others,
            }
            for one in report.publishers
        ],
        "streams": [
            {
                "server": one.server,
                "topic": one.topic,
                "stream": one.stream,
                "eventsPerSecond": one.rate,
                "bytesPerSecond": one.bytes_per_second,
                "meanBytes": one.size,
                "pushed": one.pushed,
                "heard": one.heard,
                "lostHere": one.lost_here,
                "lostOnTheWay": one.lost_on_the_way,
                "duplicates": one.duplicates,
                "restarts": one.restarts,
            }
            for one in report.streams
        ],
        "notes": list(report.notes),
    }


def traffic_lines(report: TrafficReport) -> Iterator[str]:
    """A line a publisher and a line a stream that sent something, in the words of ``stem monitor``."""
    for one in report.publishers:
        age = "unknown" if one.heartbeat_age_seconds is None else f"{one.heartbeat_age_seconds:.1f}s"
        yield (
            f"publisher={one.server} connected={str(one.connected).lower()} endpoint={one.endpoint or '-'} "
            f"heartbeats={one.heartbeats} heartbeat_age={age} others={one.others}"
        )
    for stream in report.streams:
        if stream.rate:
            yield _stream_line(stream)
    for note in report.notes:
        yield f"note {quoted(note)}"


def total_lines(report: TrafficReport) -> Iterator[str]:
    """At the end: every stream, and what all sent."""
    yield from map(_stream_line, report.streams)
    heard = sum(one.heard for one in report.streams)
    here = sum(one.lost_here for one in report.streams)
    way = sum(one.lost_on_the_way for one in report.streams)
    yield f"total streams={len(report.streams)} heard={heard} lost_here={here} lost_on_the_way={way}"


def _stream_line(one: StreamTraffic) -> str:
    pushed = "unknown" if one.pushed is None else str(one.pushed)
    return (
        f"stream={one.stream} rate={one.rate:.1f}/s size={one.size:.0f}B pushed={pushed} heard={one.heard} "
        f"lost_here={one.lost_here} lost_on_the_way={one.lost_on_the_way} duplicates={one.duplicates} "
        f"restarts={one.restarts}"
    )


def traffic_screen(heading: str, report: TrafficReport, width: int, height: int) -> RenderableType:
    """For a terminal of ``width`` columns and ``height`` rows: the busiest streams."""
    prefix = number_text.common_prefix(one.stream for one in report.streams)
    head = f"{heading}   {number_text.clock_time_and_zone(report.time_utc_ns)}"
    total = f"{number_text.rate(report.rate)} events, {number_text.size(round(report.bytes_per_second))}/s"
    silent = [one for one in report.publishers if not one.connected]
    notes = [*(f"{one.server}: not connected to {one.endpoint}" for one in silent), *report.notes]
    room = max(1, height - 7 - min(len(notes), 4))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold dim")
    table.add_column("STREAM", overflow="ellipsis", no_wrap=True, ratio=1)
    wide = width >= 90
    for name in ("RATE", "SIZE", *(("B/S", "PUSHED") if wide else ()), "HEARD", "LOST HERE", "ON THE WAY"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in report.streams[:room]:
        more = (
            number_text.size(round(one.bytes_per_second)),
            "unknown" if one.pushed is None else number_text.count(one.pushed),
        )
        table.add_row(
            Name(number_text.without(prefix, one.stream)),
            number_text.rate(one.rate),
            number_text.size(round(one.size)),
            *(more if wide else ()),
            number_text.count(one.heard),
            _lost(one.lost_here),
            _lost(one.lost_on_the_way),
        )
    left = len(report.streams) - room
    parts: list[RenderableType] = [
        Text(head, style="bold", no_wrap=True, overflow="ellipsis"),
        Text(total, style="cyan"),
        Text(),
        table,
    ]
    if left > 0:
        parts.append(Text(f"and {left} more", style="dim"))
    parts += [Text(note, style="yellow", no_wrap=True, overflow="ellipsis") for note in notes[:4]]
    if report.footer:
        parts.append(Text(report.footer, style="dim"))
    return Group(*parts)


def _lost(count: int) -> Text:
    return Text(number_text.count(count), style="bold yellow" if count else "dim")
