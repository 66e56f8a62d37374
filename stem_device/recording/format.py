"""The recording format, version 1.3: tables and columns, as ``docs/reference/file-format.md`` has them."""

from __future__ import annotations

from typing import Any

from stem_device.recording.kinds import FIRST, NAME_BYTES, Column, Kind, Table, Version, version_of

FORMAT_NAME = "stem-device recording"
FORMAT_VERSION = "1.3"
MAX_TEXT_CHARACTERS = 65_536
"""Characters of a reply that could not be parsed which are recorded."""


def _integer(name: str, units: str, about: str, source: str | None = None, **more: Any) -> Column:
    return Column(name, Kind.INTEGER, units, about, name if source is None else source, **more)


def _float(name: str, units: str, about: str, source: str | None = None, **more: Any) -> Column:
    return Column(name, Kind.FLOAT, units, about, name if source is None else source, **more)


def _flag(name: str, about: str, source: str | None = None, **more: Any) -> Column:
    return Column(name, Kind.FLAG, "", about, name if source is None else source, **more)


def _name(name: str, about: str, source: str | None = None, **more: Any) -> Column:
    return Column(name, Kind.NAME, "", about, name if source is None else source, **more)


_NEW: Version = (1, 2)
_NEWER: Version = (1, 3)


def _counts(of: str = "counts") -> tuple[Column, ...]:
    """Columns of a record of Counts."""
    return (
        _integer("published_total", "count", "events published", f"{of}.published"),
        _integer("received_total", "count", "events received", f"{of}.received"),
        _integer("missed_total", "count", "events pushed that never reached a subscription", f"{of}.missed"),
        _integer("gaps_total", "count", "gaps noticed by cppTango", f"{of}.gaps"),
        _integer("discarded_total", "count", "events received and discarded by cppTango", f"{of}.discarded"),
        _integer("resets_total", "count", "counter series begun anew", f"{of}.resets"),
        _integer(
            "overdue", "count", "events overdue now, of subscriptions where that is known", f"{of}.overdue"
        ),
        _integer("disconnected", "count", "subscriptions being retried now", f"{of}.disconnected"),
        _integer(
            "unaccounted_total",
            "count",
            "events overdue when a life ended: nobody can know whether they arrived",
            f"{of}.unaccounted",
            since=_NEW,
        ),
        _integer(
            "missed_before",
            "count",
            "events pushed before monitoring began and lost; in no total",
            f"{of}.missed_before",
            since=_NEW,
        ),
        _integer(
            "unobserved_total",
            "count",
            "events pushed where nothing tells whether they arrived, as far as their number is known",
            f"{of}.unobserved",
            since=_NEW,
        ),
        _integer(
            "books_unbalanced",
            "count",
            "polls of a subscription whose counters contradict each other",
            f"{of}.books_unbalanced",
            since=_NEW,
        ),
        _integer(
            "overdue_unknown",
            "count",
            "subscriptions now whose overdue events are not known",
            f"{of}.overdue_unknown",
            since=_NEW,
        ),
        _integer(
            "unseen_streams",
            "count",
            "streams now with subscribers that are not monitored",
            f"{of}.unseen_streams",
            since=_NEW,
        ),
        _float(
            "blind_seconds",
            "s",
            "time in which nothing counted what was pushed, summed over subscriptions",
            f"{of}.blind_seconds",
            since=_NEW,
        ),
    )


def _phases() -> tuple[Column, ...]:
    """Columns of the record PollPhases, in which any may be NaN."""
    abouts = {
        "resolve": "to take up targets that were looked up",
        "ask": "from the first question to the last answer or time limit",
        "parse": "to make typed replies of the answers",
        "account": "to count, name causes and judge",
        "record": "the poll before waited for the disk",
        "publish": "attributes and events of the poll before took",
    }
    return tuple(
        _float(f"{name}_seconds", "s", about, f"phases.{name}_seconds", nullable=True, since=_NEW)
        for name, about in abouts.items()
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
        _integer(
            "published_delta",
            "count",
            "events published since the previous poll",
        ),
        _integer("resets_total", "count", "counter series begun anew"),
        _integer(
            "unseen",
            "",
            "whether it has subscribers that are not monitored: 0 not told, 1 maybe, 2 certain",
            since=_NEW,
            before=0,
        ),
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
        _name(
            "last_resubscribed",
            "cppTango: when the subscription was renewed, ISO 8601 UTC; -1 for never",
            nullable=True,
        ),
        _integer("received_total", "count", "events received"),
        _integer("received_delta", "count", "events received since the previous poll"),
        _integer("missed_total", "count", "events missed"),
        _integer("missed_delta", "count", "events missed since the previous poll"),
        _flag("missed_at_least", "1 if more may have been missed, unobserved"),
        _integer("gaps_total", "count", "gaps noticed"),
        _integer("gaps_delta", "count", "gaps noticed since the previous poll"),
        _integer("gaps_before", "count", "gaps noticed before monitoring began"),
        _integer("discarded_total", "count", "events discarded"),
        _integer("resets_total", "count", "counter series begun anew"),
        _integer("overdue", "count", "events overdue now; -1 where that is not known", nullable=True),
        _integer(
            "unaccounted_total",
            "count",
            "events overdue when a life ended: nobody can know whether they arrived",
            since=_NEW,
        ),
        _integer(
            "unaccounted_delta",
            "count",
            "events unaccounted since the previous poll; below 0 where some arrived after all",
            signed=True,
            since=_NEW,
        ),
        _integer(
            "missed_before",
            "count",
            "events pushed before monitoring began and lost; in no total",
            since=_NEW,
        ),
        _integer(
            "unobserved_total",
            "count",
            "events pushed where nothing tells whether they arrived, as far as their number is known",
            since=_NEW,
        ),
        _float(
            "lag_seconds",
            "s",
            "how long ago the publisher's counter passed server_counter; NaN if unknown",
            nullable=True,
            since=_NEW,
        ),
        _integer(
            "lost_since_utc_ns",
            "ns",
            "what this poll found missed or unaccounted was lost after this, since 1970 UTC; -1 if nothing",
            nullable=True,
            since=_NEW,
        ),
        _integer(
            "first_seen_utc_ns",
            "ns",
            "when this life of the subscription was first seen, since 1970 UTC",
            since=_NEW,
        ),
        _name(
            "link",
            "what server_counter belongs to: live, fresh, former or unknown",
            nullable=True,
            since=_NEW,
        ),
        _flag(
            "ended", "1 if the subscription is no more and the row stays for its losses", since=_NEW, before=0
        ),
        _name(
            "cause",
            "code of why events are lost or overdue; empty if none are, -1 if nobody asked",
            nullable=True,
            since=_NEW,
        ),
        _float("blind_seconds", "s", "time in which nothing counted what was pushed to it", since=_NEW),
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
        _name("tango_host", "database of the device; -1 if not told", nullable=True),
    ),
)

SERVERS = Table(
    "servers",
    "one row a server and poll",
    128,
    (
        _POLL,
        _name("server", "admin device of the server", "name"),
        _name("state", "monitored, unreachable, not exported, unsupported, failing or tapped"),
        _name("reason", "what is wrong, and what to do; empty if monitored"),
        _integer("since_utc_ns", "ns", "when it came into this state, since 1970 UTC"),
        _name("tango_version", "Tango version of the server, as far as known"),
        _float(
            "age_seconds",
            "s",
            "age of its last answer; 0 if of this poll, NaN if there never was one",
            nullable=True,
        ),
        _integer(
            "asked_utc_ns",
            "ns",
            "when it was asked what came in this poll, since 1970 UTC; -1 if nothing came",
            nullable=True,
            nullable_since=_NEW,
        ),
        _integer(
            "asked_monotonic_ns",
            "ns",
            "the same by the monotonic clock; -1 if nothing came",
            nullable=True,
            nullable_since=_NEW,
        ),
        _float("round_trip_seconds", "s", "how long the answer took; NaN if nothing came"),
        _integer("queries", "count", "questions that were answered, or failed, in this poll"),
        _integer(
            "asked_every",
            "polls",
            "at every so manieth poll it is asked, since its answers take long",
            since=_NEW,
            before=1,
        ),
        _flag("sampling", "1 if it samples event timing"),
        _flag("sampling_ours", "1 if this monitor switched that on"),
        _flag("drained_by_others", "1 if somebody else took samples"),
        _integer("publisher_samples", "count", "samples of pushed events in this poll"),
        _integer("subscriber_samples", "count", "samples of received events in this poll"),
        _integer("sampled_events", "count", "events between two answers with sampling on; 0 if not judged"),
        *_counts(),
        _name(
            "failure",
            "code of why it gave no reply; empty if it did, -1 if unknown",
            nullable=True,
            since=_NEW,
        ),
        _integer(
            "life",
            "",
            "which of the processes seen under its name, from 1; 0 while none was",
            "identity.life",
            since=_NEW,
        ),
        _integer(
            "pid",
            "",
            "its process, as the database tells; -1 if it does not",
            "identity.pid",
            nullable=True,
            since=_NEW,
        ),
        _name(
            "started",
            "when the process started, as the database writes it; -1 if unknown",
            "identity.started",
            nullable=True,
            since=_NEW,
        ),
        _integer(
            "life_since_utc_ns",
            "ns",
            "when this process was first seen, since 1970 UTC; 0 while none was",
            "identity.since_utc_ns",
            since=_NEW,
        ),
        _flag("process_ended", "1 if the process is known to have ended", "ended", since=_NEW, before=0),
        _flag(
            "followed",
            "1 if it is no target, and asked because a monitored subscription depends on it",
            since=_NEW,
            before=0,
        ),
        _name(
            "event_endpoints",
            "where its events come from, blanks between; -1 if unknown",
            listed=True,
            nullable=True,
            since=_NEW,
        ),
        _name(
            "heartbeat_endpoints",
            "where its heartbeats come from, blanks between; -1 if unknown",
            listed=True,
            nullable=True,
            since=_NEW,
        ),
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
        _name("event_type", "kind of event; -1 where the server does not tell", nullable=True),
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

DEPARTED = Table(
    "departed",
    "one row a poll once a server left the targets with totals: their sums, which polls has too",
    32,
    (_POLL, *_counts("departed")),
    since=_NEW,
)

TAPS = Table(
    "taps",
    "one row a publisher that is tapped and poll: what was heard of this life of it, over all topics",
    128,
    (
        _POLL,
        _SERVER,
        _flag("connected", "1 if the tap is connected to its event port"),
        _name("endpoint", "event port that the tap is connected to; empty if to none"),
        _integer("topics", "count", "topics heard of"),
        _integer("unnumbered", "count", "of these, topics whose events carry no number"),
        _integer(
            "pushed",
            "count",
            "events pushed since the first that was heard of each topic; -1 where events carry no number",
            nullable=True,
        ),
        _integer("heard", "count", "events heard, without those that came twice"),
        _integer("size", "bytes", "their size, all frames together"),
        _integer("duplicates", "count", "events with the number of the one before"),
        _integer("lost_here", "count", "events that the tap lost since it was behind"),
        _integer("lost_on_the_way", "count", "events that it did not get though it kept up"),
        _integer("others", "count", "messages that are no events, and refused ones"),
        _integer("restarts", "count", "how often a counter fell"),
        _integer("heartbeats", "count", "heartbeats heard"),
        _float("heartbeat_age_seconds", "s", "age of the last one; NaN before the first", nullable=True),
        _float("events_per_second", "count/s", "events heard since the poll before, a second"),
        _float("bytes_per_second", "bytes/s", "their size, a second"),
    ),
    since=_NEWER,
)

OUTLETS = Table(
    "outlets",
    "one row an outlet and poll: what became of the polls and marks before this poll",
    64,
    (
        _POLL,
        _name("outlet", "name of the outlet: recording, marks, file, or as a program calls it", "name"),
        _integer("sent", "count", "items passed on, since the outlet was made"),
        _integer("dropped", "count", "items for which its queue had no room, since then"),
        _integer("failed", "count", "items that met an error, since then"),
        _integer("waiting", "count", "items in its queue, with the one that is being passed on"),
        _name("last_error", "its last error; empty if there was none"),
    ),
    since=_NEW,
)

TELEMETRY = Table(
    "telemetry",
    "one row a measurement in a process, as it came with the poll",
    2048,
    (
        _POLL,
        _integer("at_utc_ns", "ns", "when it was measured, since 1970 UTC"),
        _float("value", "", "s of a duration; of runtime metrics what the label says", nullable=True),
        _name("label", "what was measured"),
        _name("kind", "duration or runtime"),
        _integer("pid", "", "number of the process"),
    ),
    since=_NEW,
)

METRICS = Table(
    "metrics",
    "one row a point of a user's metric, received after the poll before and until this one",
    2048,
    (
        _POLL,
        _integer("at_utc_ns", "ns", "when it was measured, as its sender says, since 1970 UTC"),
        _float("value", "", "value of the point; a finite number"),
        _name("name", "name of the metric"),
        _name("labels", "JSON object of its other labels; -1 without any", nullable=True),
        _name("host", "machine that it comes from; -1 if not told", nullable=True),
        _name("process", "process that it comes from, mostly its number; -1 if not told", nullable=True),
    ),
    since=_NEWER,
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
    128,
    (
        _name("kind", "begin, mark or end"),
        _name("run", "identity of the run"),
        _name("name", "name of the mark; begin or end for those kinds"),
        _integer("emitted_utc_ns", "ns", "when it happened, as its sender says, since 1970 UTC"),
        _integer("received_utc_ns", "ns", "when it was received, since 1970 UTC"),
        _integer("received_monotonic_ns", "ns", "when it was received, monotonic clock"),
        _integer("iteration", "", "which repetition; -1 if not told", nullable=True),
        _name("device_group", "group of devices that the run belongs to", nullable=True),
        _name("queue", "queue that the run waits in", nullable=True),
        _name("configuration", "what is run", nullable=True),
        _name("host", "machine that the run works on", nullable=True),
        _name("worker", "instance of the worker", nullable=True),
        _name("requestor", "who asked for the run", nullable=True),
        _name("request_id", "identity of the request", nullable=True),
        _name("error", "what went wrong; -1 if nothing did", nullable=True),
    ),
    since=(1, 1),
)

NAMES = Table(
    "names",
    "every name and sentence once: columns of other tables hold row numbers of this one",
    128,
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
    DEPARTED,
    OUTLETS,
    TELEMETRY,
    METRICS,
    TAPS,
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
        *_phases(),
        _integer("overruns_total", "count", "polls skipped because one took longer than the period"),
        _integer("monitoring_since_utc_ns", "ns", "when the totals began, since 1970 UTC"),
        *_counts(),
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
        _name(
            "verdict",
            "clear, unknown, waiting or lost; empty or -1 if nobody asked",
            nullable=True,
            since=_NEW,
        ),
        *(
            _integer(
                f"{table.name}_end",
                "",
                f"rows of {table.name} up to and with this poll",
                "",
                since=table.since,
                before=0,
            )
            for table in ROW_TABLES
        ),
    ),
)

TABLES = (*ROW_TABLES, TEXT_BYTES, NAMES, MARKS, POLLS)
"""In the order in which they are written for each poll, with the marks between polls."""

TIMELINE = ("missed_total", "unaccounted_total", "overdue")
"""Columns of polls that the default plot shows against ``time``: the losses, all in events. The first one is
the signal."""

_TIMELINE_BEFORE = (
    "missed_total",
    "overdue",
    "published_total",
    "received_total",
    "published_rate",
    "received_rate",
)


def timeline_of(version: Version) -> tuple[str, ...]:
    """What the default plot of files of this version shows."""
    return TIMELINE if version >= _NEW else _TIMELINE_BEFORE


NEWEST: Version = version_of(FORMAT_VERSION) or FIRST
