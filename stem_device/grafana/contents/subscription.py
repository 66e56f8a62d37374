"""One subscription: what it received and lost, and why."""

from __future__ import annotations

from typing import Any

from stem_device.grafana.colours import LOST, WAITING
from stem_device.grafana.contents.making import lines, one
from stem_device.grafana.dashboard import Dashboard, Row, Variable
from stem_device.grafana.panel import Form, Panel
from stem_device.grafana.query import Flavour, How

_SUBSCRIBER = Variable(
    name="subscriber", label="subscriber", metric="stem_subscription_events_missed_total", shown="Subscriber"
)
_STREAM = Variable(
    name="subscription",
    label="stream",
    metric="stem_subscription_events_missed_total",
    shown="Subscription",
    within="subscriber",
)

_OF_IT: dict[str, Any] = {
    "where": {"subscriber": "$subscriber", "stream": "$subscription"},
    "by": ("subscriber", "stream"),
    "legend": "{subscriber}: {stream}",
}
_OF_STREAM: dict[str, Any] = {"where": {"stream": "$subscription"}, "by": ("stream",)}
SUBSCRIPTION = Dashboard(
    name="subscription",
    title="Tango events: subscription",
    about="What one subscription received and lost. Without details=all only those that lost events or wait "
    "for them have series of their own.",
    variables=(_SUBSCRIBER, _STREAM),
    rows=(
        Row(
            "Losses",
            (
                Panel(
                    title="Why",
                    form=Form.TABLE,
                    width=24,
                    height=6,
                    only=Flavour.PROMETHEUS,
                    queries=one("subscription_cause", how=How.ROWS, where=_OF_IT["where"], legend="now"),
                ),
                Panel(
                    title="Why",
                    form=Form.BARS,
                    width=24,
                    height=6,
                    only=Flavour.OPENTSDB,
                    bad=WAITING,
                    queries=one(
                        "subscription_cause",
                        where=_OF_IT["where"],
                        by=("subscriber", "stream", "cause"),
                        legend="{cause}: {subscriber}: {stream}",
                    ),
                ),
                lines("Missed events", "subscription_events_missed", _OF_IT, bad=LOST),
                lines("Unaccounted events", "subscription_events_unaccounted", _OF_IT, bad=LOST),
                lines("Overdue events", "subscription_events_overdue", _OF_IT, bad=WAITING),
                lines("Lag", "subscription_lag_seconds", _OF_IT, combine="max", bad=WAITING),
                lines("Gaps that cppTango noticed", "subscription_gaps", _OF_IT),
                lines("Discarded duplicates", "subscription_events_discarded", _OF_IT),
            ),
        ),
        Row(
            "Traffic",
            (
                lines("Published events of the stream", "stream_events_published", _OF_STREAM, how=How.RATE),
                lines("Received events", "subscription_events_received", _OF_IT, how=How.RATE),
                lines("Ended", "subscription_ended", _OF_IT, combine="max"),
                lines("More may have been missed", "subscription_missed_at_least", _OF_IT, combine="max"),
            ),
        ),
    ),
)
