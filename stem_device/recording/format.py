"""The recording format, version 1.1: tables and columns, as ``docs/reference/file-format.md`` has them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

FORMAT_NAME = "stem-device recording"
FORMAT_VERSION = "1.1"
NAME_BYTES = 192
"""Bytes of one row of ``names/text``; longer names go on in the next rows."""
MAX_TEXT_CHARACTERS = 65_536
"""Characters of a reply that could not be parsed which are recorded."""


class Kind(enum.Enum):
    """How the values of a column are stored; the value is the numpy type."""

    INTEGER = "<i8"
    FLOAT = "<f8"
    FLAG = "|u1"
    NAME = "<i4"
    TEXT = f"|S{NAME_BYTES}"


@dataclass(frozen=True, slots=True)
class Column:
    """One data set.

    ``source`` is the path of an attribute of the record that makes the row; empty where the recorder
    itself knows the value. None becomes -1 in an INTEGER, NaN in a FLOAT; a NAME is a row of ``names/text``,
    -1 for None.
    """

    name: str
    kind: Kind
    units: str
    about: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One group: columns of equal length. ``chunk_rows`` are stored and compressed together."""

    name: str
    about: str
    chunk_rows: int
    columns: tuple[Column, ...]


def _integer(name: str, units: str, about: str, source: str | None = None) -> Column:
    return Column(name, Kind.INTEGER, units, about, name if source is None else source)


def _float(name: str, units: str, about: str, source: str | None = None) -> Column:
    return Column(name, Kind.FLOAT, units, about, name if source is None else source)


def _flag(name: str, about: str) -> Column:
    return Column(name, Kind.FLAG, "", about, name)


def _name(name: str, about: str, source: str | None = None) -> Column:
    return Column(name, Kind.NAME, "", about, name if source is None else source)


_COUNTS = (
    _integer("published_total", "count", "events published", "counts.published"),
    _integer("received_total", "count", "events received", "counts.received"),
    _integer("missed_total", "count", "events pushed that never reached a subscription", "counts.missed"),
    _integer("gaps_total", "count", "gaps noticed by cppTango", "counts.gaps"),
    _integer("discarded_total", "count", "events received and discarded by cppTango", "counts.discarded"),
    _integer("resets_total", "count", "counter series begun anew", "counts.resets"),
    _integer("overdue", "count", "events overdue now", "counts.overdue"),
    _integer("disconnected", "count", "subscriptions being retried now", "counts.disconnected"),
)

_POLL = _integer("poll", "", "number of the poll", "")
_SERVER = _name("server", "admin device of the server", "")

STREAMS = Table(
    "streams",
    "one row a stream, server and poll",
    1024,
    (
        _POLL,
        _SERVER,
        _name("stream", "name of the stream", "name"),
        _integer("pushed", "count", "length of the present series: the publisher's counter - 1"),
        _integer("published_total", "count", "events published"),
        _integer("published_delta", "count", "events published since the previous poll"),
        _integer("resets_total", "count", "counter series begun anew"),
    ),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    "one row a subscription, server and poll",
    1024,
    (
        _POLL,
        _SERVER,
        _name("topic", "the stream as the subscriber names it"),
        _name("stream", "name of the publisher's stream"),
        _name("publisher", "admin device of the publisher"),
        _integer("callback_count", "count", "callbacks on this subscription"),
        _integer("server_counter", "count", "cppTango: publisher's count in the last event received"),
        _integer("event_count", "count", "cppTango: events received and not discarded"),
        _integer("missed_event_count", "count", "cppTango: gaps noticed"),
        _integer("discarded_event_count", "count", "cppTango: events discarded"),
        _name("last_resubscribed", "cppTango: when the subscription was renewed, ISO 8601 UTC; -1 for never"),
        _integer("received_total", "count", "events received"),
        _integer("received_delta", "count", "events received since the previous poll"),
        _integer("missed_total", "count", "events missed"),
        _integer("missed_delta", "count", "events missed since the previous poll"),
        _flag("missed_at_least", "1 if missed_total is a lower bound"),
        _integer("gaps_total", "count", "gaps noticed"),
        _integer("gaps_delta", "count", "gaps noticed since the previous poll"),
        _integer("gaps_before", "count", "gaps noticed before monitoring began"),
        _integer("discarded_total", "count", "events discarded"),
        _integer("resets_total", "count", "counter series begun anew"),
        _integer("overdue", "count", "events overdue now; -1 where the publisher is not monitored"),
    ),
)

CHANNELS = Table(
    "channels",
    "one row a publisher that a server is connected to, server and poll",
    512,
    (
        _POLL,
        _SERVER,
        _name("publisher", "admin device of the publisher"),
        _name("endpoint", "where its events come from"),
    ),
)

NOT_CONNECTED = Table(
    "not_connected",
    "one row a subscription that is being retried, server and poll",
    128,
    (
        _POLL,
        _SERVER,
        _name("device", "device subscribed to"),
        _name("attribute", "attribute subscribed to"),
        _name("event_type", "kind of event"),
        _name("last_heartbeat", "as cppTango wrote it"),
        _name("tango_host", "database of the device; -1 if not told"),
    ),
)

SERVERS = Table(
    "servers",
    "one row a server and poll",
    128,
    (
        _POLL,
        _name("server", "admin device of the server", "name"),
        _name("state", "monitored, unreachable, not exported, unsupported or failing"),
        _name("reason", "what is wrong, and what to do; empty if monitored"),
        _integer("since_utc_ns", "ns", "when it came into this state, since 1970 UTC"),
        _name("tango_version", "Tango version of the server, as far as known"),
        _float("age_seconds", "s", "age of its last answer; 0 if of this poll, NaN if there never was one"),
        _integer("asked_utc_ns", "ns", "when it was asked, since 1970 UTC"),
        _integer("asked_monotonic_ns", "ns", "when it was asked, monotonic clock"),
        _float("round_trip_seconds", "s", "how long the answer took"),
        _integer("queries", "count", "how many times it was asked in this poll"),
        _flag("sampling", "1 if it samples event timing"),
        _flag("sampling_ours", "1 if this monitor switched that on"),
        _flag("drained_by_others", "1 if somebody else took samples"),
        _integer("publisher_samples", "count", "samples of pushed events in this poll"),
        _integer("subscriber_samples", "count", "samples of received events in this poll"),
        _integer("sampled_events", "count", "events that happened meanwhile"),
        *_COUNTS,
    ),
)

PUBLISHER_SAMPLES = Table(
    "publisher_samples",
    "one row a sample of a pushed event",
    2048,
    (
        _POLL,
        _SERVER,
        _float("micros_since_last_event", "us", "time since the event before; NaN if unknown"),
        _integer("push_event_micros", "us", "time spent pushing"),
    ),
)

SUBSCRIBER_SAMPLES = Table(
    "subscriber_samples",
    "one row a sample of a received event",
    2048,
    (
        _POLL,
        _SERVER,
        _name("attr_name", "attribute, at most 31 characters; empty if the event was discarded"),
        _name("event_type", "kind of event; -1 where the server does not tell"),
        _float("micros_since_last_event", "us", "time since the event before; NaN if unknown"),
        _integer("sleep_micros", "us", "time spent waiting for the event"),
        _integer("process_micros", "us", "time spent in all callbacks"),
        _float(
            "first_callback_latency_micros",
            "us",
            "time from the event's stamp to the first callback; NaN if unknown",
        ),
        _integer("callback_count", "count", "callbacks called"),
        _integer("wake_count", "count", "times the event thread woke"),
        _flag("discarded", "1 if cppTango threw the event away"),
    ),
)

PROBLEMS = Table(
    "problems",
    "one row a problem with the targets as a whole and poll",
    128,
    (_POLL, _name("problem", "a sentence", "")),
)

TEXTS = Table(
    "texts",
    "one row a reply of a server that is not monitored: replies that could not be used",
    128,
    (
        _POLL,
        _SERVER,
        _integer("characters", "count", "length of the reply", ""),
        _integer(
            "end", "count", "row of text_bytes after its last one; its first is the end of the row before", ""
        ),
    ),
)

TEXT_BYTES = Table(
    "text_bytes",
    f"the replies of texts, UTF-8; of each at most {MAX_TEXT_CHARACTERS} characters",
    4096,
    (Column("data", Kind.FLAG, "", "one byte"),),
)

MARKS = Table(
    "marks",
    "one row a mark of a run, in the order of reception; written by itself, between polls",
    1024,
    (
        _name("kind", "begin, mark or end"),
        _name("run", "identity of the run"),
        _name("name", "name of the mark; begin or end for those kinds"),
        _integer("emitted_utc_ns", "ns", "when it happened, as its sender says, since 1970 UTC"),
        _integer("received_utc_ns", "ns", "when it was received, since 1970 UTC"),
        _integer("received_monotonic_ns", "ns", "when it was received, monotonic clock"),
        _integer("iteration", "", "which repetition; -1 if not told"),
        _name("device_group", "group of devices that the run belongs to"),
        _name("queue", "queue that the run waits in"),
        _name("configuration", "what is run"),
        _name("host", "machine that the run works on"),
        _name("worker", "instance of the worker"),
        _name("requestor", "who asked for the run"),
        _name("request_id", "identity of the request"),
        _name("error", "what went wrong; -1 if nothing did"),
    ),
)

NAMES = Table(
    "names",
    "every name and sentence once: columns of other tables hold row numbers of this one",
    256,
    (
        Column("text", Kind.TEXT, "", f"UTF-8, at most {NAME_BYTES} bytes"),
        Column("continues", Kind.FLAG, "", "1 if this row goes on with the text of the row before"),
    ),
)

ROW_TABLES = (
    SERVERS,
    STREAMS,
    SUBSCRIPTIONS,
    CHANNELS,
    NOT_CONNECTED,
    PUBLISHER_SAMPLES,
    SUBSCRIBER_SAMPLES,
    PROBLEMS,
    TEXTS,
)
"""Tables with any number of rows a poll; ``polls/<table>_end`` tells where those of a poll end."""

POLLS = Table(
    "polls",
    "one row a poll; written last: a poll that is in every column here is complete everywhere",
    64,
    (
        _POLL,
        _float("time", "s", "monotonic time since the start of the recording", ""),
        _integer("time_utc_ns", "ns", "when the poll began, since 1970 UTC"),
        _integer("monotonic_ns", "ns", "when the poll began, monotonic clock"),
        _float("duration_seconds", "s", "how long the poll took"),
        _float("spread_seconds", "s", "between the first and the last request"),
        _integer("overruns_total", "count", "polls skipped because one took longer than the period"),
        _integer("monitoring_since_utc_ns", "ns", "when the totals began, since 1970 UTC"),
        *_COUNTS,
        _float("published_rate", "count/s", "events published, a second"),
        _float("received_rate", "count/s", "events received, a second"),
        _float(
            "sample_coverage", "", "share of the events that have a sample, 0 to 1; NaN if nothing is sampled"
        ),
        _float(
            "latency_median_seconds",
            "s",
            "median latency of this poll's samples",
            "timings.latency_median_seconds",
        ),
        _float("latency_p99_seconds", "s", "99 % quantile of the latency", "timings.latency_p99_seconds"),
        _float(
            "processing_p99_seconds",
            "s",
            "99 % quantile of the time in callbacks",
            "timings.processing_p99_seconds",
        ),
        _float(
            "push_p99_seconds", "s", "99 % quantile of the time spent pushing", "timings.push_p99_seconds"
        ),
        *(
            _integer(f"{table.name}_end", "", f"rows of {table.name} up to and with this poll", "")
            for table in ROW_TABLES
        ),
    ),
)

TABLES = (*ROW_TABLES, TEXT_BYTES, NAMES, MARKS, POLLS)
"""In the order in which they are written for each poll, with the marks between polls."""

TIMELINE = ("missed_total", "overdue", "published_total", "received_total", "published_rate", "received_rate")
"""Columns of polls that the default plot shows against ``time``; the first one is the signal."""
