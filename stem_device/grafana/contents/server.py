"""One server: what it publishes and receives, and what it lost."""

from __future__ import annotations

from typing import Any

from stem_device.grafana.colours import LOST, UNKNOWN, WAITING
from stem_device.grafana.contents.making import lines, state
from stem_device.grafana.dashboard import Dashboard, Row, Variable
from stem_device.grafana.panel import Form, Panel
from stem_device.grafana.query import Flavour, How

_CHOSEN = Variable(name="server", label="server", metric="stem_server_state", shown="Server")

_AS_SERVER: dict[str, Any] = {"where": {"server": "$server"}, "by": ("server",)}
_AS_PUBLISHER: dict[str, Any] = {"where": {"publisher": "$server"}, "by": ("publisher",)}
_AS_SUBSCRIBER: dict[str, Any] = {"where": {"subscriber": "$server"}, "by": ("subscriber",)}
SERVER = Dashboard(
    name="server",
    title="Tango events: server",
    about="What one server publishes and receives, and what it lost.",
    variables=(_CHOSEN,),
    rows=(
        Row(
            "State",
            (
                Panel(
                    title="State",
                    form=Form.STATES,
                    width=24,
                    height=6,
                    queries=state("server_state", **_AS_SERVER),
                    only=Flavour.PROMETHEUS,
                ),
                Panel(
                    title="State",
                    form=Form.STATES,
                    width=24,
                    height=8,
                    only=Flavour.OPENTSDB,
                    queries=state("server_state", **_AS_SERVER, legend="{server}: {stem_server_state}"),
                ),
                lines("Age of what is known", "server_age_seconds", _AS_SERVER, combine="max"),
                lines("Time of its answers", "server_round_trip_seconds", _AS_SERVER, combine="max"),
                lines("Processes seen", "server_lives", _AS_SERVER, combine="max"),
            ),
        ),
        Row(
            "As a subscriber",
            (
                lines("Missed events", "subscriber_events_missed", _AS_SUBSCRIBER, bad=LOST),
                lines("Unaccounted events", "subscriber_events_unaccounted", _AS_SUBSCRIBER, bad=LOST),
                lines("Overdue events", "subscriber_events_overdue", _AS_SUBSCRIBER, bad=WAITING),
                lines("Received events", "subscriber_events_received", _AS_SUBSCRIBER, how=How.RATE),
                lines("Longest lag", "subscriber_lag_seconds", _AS_SUBSCRIBER, combine="max", bad=WAITING),
                lines(
                    "Overdue is not known of",
                    "subscriber_subscriptions_overdue_unknown",
                    _AS_SUBSCRIBER,
                    bad=UNKNOWN,
                ),
                lines("Subscriptions", "subscriber_subscriptions", _AS_SUBSCRIBER),
                lines(
                    "Subscriptions that are retried",
                    "subscriber_subscriptions_disconnected",
                    _AS_SUBSCRIBER,
                    bad=WAITING,
                ),
                lines("Blind time", "subscriber_blind_seconds", _AS_SUBSCRIBER),
                lines("Gaps that cppTango noticed", "subscriber_gaps", _AS_SUBSCRIBER),
                lines("Discarded duplicates", "subscriber_events_discarded", _AS_SUBSCRIBER),
                lines(
                    "Share of time in callbacks",
                    "processing_seconds",
                    {**_AS_SUBSCRIBER, "part": "_sum"},
                    how=How.RATE,
                    about="Time that passed in the callbacks of events whose timing was sampled, a second. "
                    "Near 100 %, of one thread, the subscriber cannot take more.",
                ),
                lines("Latency, 99 %", "latency_seconds", _AS_SUBSCRIBER, how=How.P99),
                lines("Latency, median", "latency_seconds", _AS_SUBSCRIBER, how=How.MEDIAN),
                lines("Time in callbacks, 99 %", "processing_seconds", _AS_SUBSCRIBER, how=How.P99),
            ),
        ),
        Row(
            "As a publisher",
            (
                lines("Published events", "publisher_events_published", _AS_PUBLISHER, how=How.RATE),
                lines("Streams", "publisher_streams", _AS_PUBLISHER),
                lines(
                    "Streams with unseen subscribers",
                    "publisher_streams_unseen_subscribers",
                    _AS_PUBLISHER,
                    bad=UNKNOWN,
                ),
                lines("Subscriptions that depend on it", "server_listeners", _AS_SERVER),
                lines("Time to push, 99 %", "push_seconds", _AS_PUBLISHER, how=How.P99),
            ),
        ),
        Row(
            "As the tap hears it",
            (
                lines("Events on the wire", "tap_event_rate", _AS_SERVER),
                lines("Bytes on the wire", "tap_byte_rate", _AS_SERVER),
                lines("Pushed, as the tap counts", "tap_events_pushed", _AS_SERVER, how=How.RATE),
                lines("Lost by the tap itself: it was behind", "tap_events_lost_here", _AS_SERVER),
                lines("Lost on the way to the tap", "tap_events_lost_on_the_way", _AS_SERVER),
                lines("Age of the last heartbeat", "tap_heartbeat_age_seconds", _AS_SERVER, combine="max"),
            ),
        ),
    ),
)
