"""Tables of what is recorded beside events: outlets, telemetry, metrics of users, marks."""

from __future__ import annotations

from stem_device.recording.format.columns import POLL, SINCE_1_2, SINCE_1_3, a_float, a_name, an_integer
from stem_device.recording.kinds import Table

OUTLETS = Table(
    "outlets",
    "one row an outlet and poll: what became of the polls and marks before this poll",
    64,
    (
        POLL,
        a_name("outlet", "name of the outlet: recording, marks, file, or as a program calls it", "name"),
        an_integer("sent", "count", "items passed on, since the outlet was made"),
        an_integer("dropped", "count", "items for which its queue had no room, since then"),
        an_integer("failed", "count", "items that met an error, since then"),
        an_integer("waiting", "count", "items in its queue, with the one that is being passed on"),
        a_name("last_error", "its last error; empty if there was none"),
    ),
    since=SINCE_1_2,
)

TELEMETRY = Table(
    "telemetry",
    "one row a measurement in a process, as it came with the poll",
    2048,
    (
        POLL,
        an_integer("at_utc_ns", "ns", "when it was measured, since 1970 UTC"),
        a_float("value", "", "s of a duration; of runtime metrics what the label says", nullable=True),
        a_name("label", "what was measured"),
        a_name("kind", "duration or runtime"),
        an_integer("pid", "", "number of the process"),
    ),
    since=SINCE_1_2,
)

METRICS = Table(
    "metrics",
    "one row a point of a user's metric, received after the poll before and until this one",
    2048,
    (
        POLL,
        an_integer("at_utc_ns", "ns", "when it was measured, as its sender says, since 1970 UTC"),
        a_float("value", "", "value of the point; a finite number"),
        a_name("name", "name of the metric"),
        a_name("labels", "JSON object of its other labels; -1 without any", nullable=True),
        a_name("host", "machine that it comes from; -1 if not told", nullable=True),
        a_name("process", "process that it comes from, mostly its number; -1 if not told", nullable=True),
    ),
    since=SINCE_1_3,
)

MARKS = Table(
    "marks",
    "one row a mark of a run, in the order of reception; written by itself, between polls",
    128,
    (
        a_name("kind", "begin, mark or end"),
        a_name("run", "identity of the run"),
        a_name("name", "name of the mark; begin or end for those kinds"),
        an_integer("emitted_utc_ns", "ns", "when it happened, as its sender says, since 1970 UTC"),
        an_integer("received_utc_ns", "ns", "when it was received, since 1970 UTC"),
        an_integer("received_monotonic_ns", "ns", "when it was received, monotonic clock"),
        an_integer("iteration", "", "which repetition; -1 if not told", nullable=True),
        a_name("device_group", "group of devices that the run belongs to", nullable=True),
        a_name("queue", "queue that the run waits in", nullable=True),
        a_name("configuration", "what is run", nullable=True),
        a_name("host", "machine that the run works on", nullable=True),
        a_name("worker", "instance of the worker", nullable=True),
        a_name("requestor", "who asked for the run", nullable=True),
        a_name("request_id", "identity of the request", nullable=True),
        a_name("error", "what went wrong; -1 if nothing did", nullable=True),
    ),
    since=(1, 1),
)
