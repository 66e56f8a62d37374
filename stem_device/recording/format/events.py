"""Tables of streams, of subscriptions and of their channels."""

from __future__ import annotations

from stem_device.recording.format.columns import POLL, SERVER, SINCE_1_2, a_flag, a_float, a_name, an_integer
from stem_device.recording.kinds import Table

STREAMS = Table(
    "streams",
    "one row a stream, server and poll",
    1024,
    (
        POLL,
        SERVER,
        a_name("stream", "name of the stream", "name"),
        an_integer("pushed", "count", "length of the present series: the publisher's counter - 1"),
        an_integer("published_total", "count", "events published"),
        an_integer(
            "published_delta",
            "count",
            "events published since the previous poll",
        ),
        an_integer("resets_total", "count", "counter series begun anew"),
        an_integer(
            "unseen",
            "",
            "whether it has subscribers that are not monitored: 0 not told, 1 maybe, 2 certain",
            since=SINCE_1_2,
            before=0,
        ),
    ),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    "one row a subscription, server and poll",
    1024,
    (
        POLL,
        SERVER,
        a_name("topic", "the stream as the subscriber names it"),
        a_name("stream", "name of the publisher's stream"),
        a_name("publisher", "admin device of the publisher"),
        an_integer("callback_count", "count", "callbacks on this subscription"),
        an_integer("server_counter", "count", "cppTango: publisher's count in the last event received"),
        an_integer("event_count", "count", "cppTango: events received and not discarded"),
        an_integer("missed_event_count", "count", "cppTango: gaps noticed"),
        an_integer("discarded_event_count", "count", "cppTango: events discarded"),
        a_name(
            "last_resubscribed",
            "cppTango: when the subscription was renewed, ISO 8601 UTC; -1 for never",
            nullable=True,
        ),
        an_integer("received_total", "count", "events received"),
        an_integer("received_delta", "count", "events received since the previous poll"),
        an_integer("missed_total", "count", "events missed"),
        an_integer("missed_delta", "count", "events missed since the previous poll"),
        a_flag("missed_at_least", "1 if more may have been missed, unobserved"),
        an_integer("gaps_total", "count", "gaps noticed"),
        an_integer("gaps_delta", "count", "gaps noticed since the previous poll"),
        an_integer("gaps_before", "count", "gaps noticed before monitoring began"),
        an_integer("discarded_total", "count", "events discarded"),
        an_integer("resets_total", "count", "counter series begun anew"),
        an_integer("overdue", "count", "events overdue now; -1 where that is not known", nullable=True),
        an_integer(
            "unaccounted_total",
            "count",
            "events overdue when a life ended: whether they arrived cannot be known",
            since=SINCE_1_2,
        ),
        an_integer(
            "unaccounted_delta",
            "count",
            "events unaccounted since the previous poll; below 0 where some arrived after all",
            signed=True,
            since=SINCE_1_2,
        ),
        an_integer(
            "missed_before",
            "count",
            "events pushed before monitoring began and lost; in no total",
            since=SINCE_1_2,
        ),
        an_integer(
            "unobserved_total",
            "count",
            "events pushed where nothing tells whether they arrived, as far as their number is known",
            since=SINCE_1_2,
        ),
        a_float(
            "lag_seconds",
            "s",
            "how long ago the publisher's counter passed server_counter; NaN if unknown",
            nullable=True,
            since=SINCE_1_2,
        ),
        an_integer(
            "lost_since_utc_ns",
            "ns",
            "what this poll found missed or unaccounted was lost after this, since 1970 UTC; -1 if nothing",
            nullable=True,
            since=SINCE_1_2,
        ),
        an_integer(
            "first_seen_utc_ns",
            "ns",
            "when this life of the subscription was first seen, since 1970 UTC",
            since=SINCE_1_2,
        ),
        a_name(
            "link",
            "what server_counter belongs to: live, fresh, former or unknown",
            nullable=True,
            since=SINCE_1_2,
        ),
        a_flag(
            "ended",
            "1 if the subscription is no more and the row stays for its losses",
            since=SINCE_1_2,
            before=0,
        ),
        a_name(
            "cause",
            "code of why events are lost or overdue; empty if none are, -1 if causes were not looked for",
            nullable=True,
            since=SINCE_1_2,
        ),
        a_float("blind_seconds", "s", "time in which nothing counted what was pushed to it", since=SINCE_1_2),
    ),
)

CHANNELS = Table(
    "channels",
    "one row a publisher that a server is connected to, server and poll",
    512,
    (
        POLL,
        SERVER,
        a_name("publisher", "admin device of the publisher"),
        a_name("endpoint", "where its events come from"),
    ),
)

NOT_CONNECTED = Table(
    "not_connected",
    "one row a subscription that is being retried, server and poll",
    128,
    (
        POLL,
        SERVER,
        a_name("device", "device subscribed to"),
        a_name("attribute", "attribute subscribed to"),
        a_name("event_type", "kind of event"),
        a_name("last_heartbeat", "as cppTango wrote it"),
        a_name("tango_host", "database of the device; -1 if not told", nullable=True),
    ),
)
