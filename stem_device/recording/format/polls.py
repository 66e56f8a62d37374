"""The table of polls, and all tables."""

from __future__ import annotations

from stem_device.recording.format.beside import MARKS, METRICS, OUTLETS, TELEMETRY
from stem_device.recording.format.columns import POLL, SINCE_1_2, a_float, a_name, an_integer, counts
from stem_device.recording.format.events import CHANNELS, NOT_CONNECTED, STREAMS, SUBSCRIPTIONS
from stem_device.recording.format.samples import PUBLISHER_SAMPLES, SUBSCRIBER_SAMPLES
from stem_device.recording.format.servers import DEPARTED, PROBLEMS, SERVERS, TAPS, TEXT_BYTES, TEXTS
from stem_device.recording.kinds import NAME_BYTES, Column, Kind, Table, Version

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
        a_float(f"{name}_seconds", "s", about, f"phases.{name}_seconds", nullable=True, since=SINCE_1_2)
        for name, about in abouts.items()
    )


POLLS = Table(
    "polls",
    "one row a poll; written last: a poll that is in every column here is complete everywhere",
    64,
    (
        POLL,
        a_float("time", "s", "monotonic time since the start of the recording", ""),
        an_integer("time_utc_ns", "ns", "when the poll began, since 1970 UTC"),
        an_integer("monotonic_ns", "ns", "when the poll began, monotonic clock"),
        a_float("duration_seconds", "s", "how long the poll took"),
        a_float("spread_seconds", "s", "between the first and the last request"),
        *_phases(),
        an_integer("overruns_total", "count", "polls skipped because one took longer than the period"),
        an_integer("monitoring_since_utc_ns", "ns", "when the totals began, since 1970 UTC"),
        *counts(),
        a_float("published_rate", "count/s", "events published, a second"),
        a_float("received_rate", "count/s", "events received, a second"),
        a_float(
            "sample_coverage", "", "share of the events that have a sample, 0 to 1; NaN if nothing is sampled"
        ),
        a_float(
            "latency_median_seconds",
            "s",
            "median latency of this poll's samples",
            "timings.latency_median_seconds",
        ),
        a_float("latency_p99_seconds", "s", "99 % quantile of the latency", "timings.latency_p99_seconds"),
        a_float(
            "processing_p99_seconds",
            "s",
            "99 % quantile of the time in callbacks",
            "timings.processing_p99_seconds",
        ),
        a_float(
            "push_p99_seconds", "s", "99 % quantile of the time spent pushing", "timings.push_p99_seconds"
        ),
        a_name(
            "verdict",
            "clear, unknown, waiting or lost; empty or -1 if there was no verdict",
            nullable=True,
            since=SINCE_1_2,
        ),
        *(
            an_integer(
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
    return TIMELINE if version >= SINCE_1_2 else _TIMELINE_BEFORE
