"""Tables of samples of the timing of events."""

from __future__ import annotations

from stem_device.recording.format.columns import POLL, SERVER, a_flag, a_float, a_name, an_integer
from stem_device.recording.kinds import Table

PUBLISHER_SAMPLES = Table(
    "publisher_samples",
    "one row a sample of a pushed event",
    2048,
    (
        POLL,
        SERVER,
        a_float("micros_since_last_event", "us", "time since the event before; NaN if unknown"),
        an_integer("push_event_micros", "us", "time spent pushing"),
    ),
)

SUBSCRIBER_SAMPLES = Table(
    "subscriber_samples",
    "one row a sample of a received event",
    2048,
    (
        POLL,
        SERVER,
        a_name("attr_name", "attribute, at most 31 characters; empty if the event was discarded"),
        a_name("event_type", "kind of event; -1 where the server does not tell", nullable=True),
        a_float("micros_since_last_event", "us", "time since the event before; NaN if unknown"),
        an_integer("sleep_micros", "us", "time spent waiting for the event"),
        an_integer("process_micros", "us", "time spent in all callbacks"),
        a_float(
            "first_callback_latency_micros",
            "us",
            "time from the event's stamp to the first callback; NaN if unknown",
        ),
        an_integer("callback_count", "count", "callbacks called"),
        an_integer("wake_count", "count", "times the event thread woke"),
        a_flag("discarded", "1 if cppTango threw the event away"),
    ),
)
