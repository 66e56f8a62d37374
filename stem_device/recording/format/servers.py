"""Tables of servers, of what a tap hears of them, and of what is wrong with targets."""

from __future__ import annotations

from stem_device.recording.format.columns import (
    POLL,
    SERVER,
    SINCE_1_2,
    SINCE_1_3,
    a_flag,
    a_float,
    a_name,
    an_integer,
    counts,
)
from stem_device.recording.kinds import Column, Kind, Table

MAX_TEXT_CHARACTERS = 65_536
"""Characters of a reply that could not be parsed which are recorded."""

SERVERS = Table(
    "servers",
    "one row a server and poll",
    128,
    (
        POLL,
        a_name("server", "admin device of the server", "name"),
        a_name("state", "monitored, unreachable, not exported, unsupported, failing or tapped"),
        a_name("reason", "what is wrong, and what to do; empty if monitored"),
        an_integer("since_utc_ns", "ns", "when it came into this state, since 1970 UTC"),
        a_name("tango_version", "Tango version of the server, as far as known"),
        a_float(
            "age_seconds",
            "s",
            "age of its last answer; 0 if of this poll, NaN if there never was one",
            nullable=True,
        ),
        an_integer(
            "asked_utc_ns",
            "ns",
            "when it was asked what came in this poll, since 1970 UTC; -1 if nothing came",
            nullable=True,
            nullable_since=SINCE_1_2,
        ),
        an_integer(
            "asked_monotonic_ns",
            "ns",
            "the same by the monotonic clock; -1 if nothing came",
            nullable=True,
            nullable_since=SINCE_1_2,
        ),
        a_float("round_trip_seconds", "s", "how long the answer took; NaN if nothing came"),
        an_integer("queries", "count", "questions that were answered, or failed, in this poll"),
        an_integer(
            "asked_every",
            "polls",
            "at every so manieth poll it is asked, since its answers take long",
            since=SINCE_1_2,
            before=1,
        ),
        a_flag("sampling", "1 if it samples event timing"),
        a_flag("sampling_ours", "1 if this monitor switched that on"),
        a_flag("drained_by_others", "1 if somebody else took samples"),
        an_integer("publisher_samples", "count", "samples of pushed events in this poll"),
        an_integer("subscriber_samples", "count", "samples of received events in this poll"),
        an_integer("sampled_events", "count", "events between two answers with sampling on; 0 if not judged"),
        *counts(),
        a_name(
            "failure",
            "code of why it gave no reply; empty if it did, -1 if unknown",
            nullable=True,
            since=SINCE_1_2,
        ),
        an_integer(
            "life",
            "",
            "which of the processes seen under its name, from 1; 0 while none was",
            "identity.life",
            since=SINCE_1_2,
        ),
        an_integer(
            "pid",
            "",
            "its process, as the database tells; -1 if it does not",
            "identity.pid",
            nullable=True,
            since=SINCE_1_2,
        ),
        a_name(
            "started",
            "when the process started, as the database writes it; -1 if unknown",
            "identity.started",
            nullable=True,
            since=SINCE_1_2,
        ),
        an_integer(
            "life_since_utc_ns",
            "ns",
            "when this process was first seen, since 1970 UTC; 0 while none was",
            "identity.since_utc_ns",
            since=SINCE_1_2,
        ),
        a_flag(
            "process_ended", "1 if the process is known to have ended", "ended", since=SINCE_1_2, before=0
        ),
        a_flag(
            "followed",
            "1 if it is no target, and asked because a monitored subscription depends on it",
            since=SINCE_1_2,
            before=0,
        ),
        a_name(
            "event_endpoints",
            "where its events come from, blanks between; -1 if unknown",
            listed=True,
            nullable=True,
            since=SINCE_1_2,
        ),
        a_name(
            "heartbeat_endpoints",
            "where its heartbeats come from, blanks between; -1 if unknown",
            listed=True,
            nullable=True,
            since=SINCE_1_2,
        ),
    ),
)

TAPS = Table(
    "taps",
    "one row a publisher that is tapped and poll: what was heard of this life of it, over all topics",
    128,
    (
        POLL,
        SERVER,
        a_flag("connected", "1 if the tap is connected to its event port"),
        a_name("endpoint", "event port that the tap is connected to; empty if to none"),
        an_integer("topics", "count", "topics heard of"),
        an_integer("unnumbered", "count", "of these, topics whose events carry no number"),
        an_integer(
            "pushed",
            "count",
            "events pushed since the first that was heard of each topic; -1 where events carry no number",
            nullable=True,
        ),
        an_integer("heard", "count", "events heard, without those that came twice"),
        an_integer("size", "bytes", "their size, all frames together"),
        an_integer("duplicates", "count", "events with the number of the one before"),
        an_integer("lost_here", "count", "events missing where the tap may have been behind"),
        an_integer("lost_on_the_way", "count", "events that it did not get though it kept up"),
        an_integer("others", "count", "messages that are no events, and refused ones"),
        an_integer("restarts", "count", "how often a counter fell"),
        an_integer("heartbeats", "count", "heartbeats heard"),
        a_float("heartbeat_age_seconds", "s", "age of the last one; NaN before the first", nullable=True),
        a_float(
            "events_per_second",
            "count/s",
            "events heard since the poll before, a second; NaN at the first",
            nullable=True,
        ),
        a_float("bytes_per_second", "bytes/s", "their size, a second; NaN at the first poll", nullable=True),
    ),
    since=SINCE_1_3,
)

PROBLEMS = Table(
    "problems",
    "one row a problem with the targets as a whole and poll",
    128,
    (POLL, a_name("problem", "a sentence", "")),
)

DEPARTED = Table(
    "departed",
    "one row a poll once a server left the targets with totals: their sums, which polls has too",
    32,
    (POLL, *counts("departed")),
    since=SINCE_1_2,
)

TEXTS = Table(
    "texts",
    "one row a reply of a server that is not monitored: replies that could not be used",
    128,
    (
        POLL,
        SERVER,
        an_integer("characters", "count", "length of the reply", ""),
        an_integer(
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
