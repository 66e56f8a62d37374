"""Who loses events in the whole system, and why."""

from __future__ import annotations

from functools import partial

from stem_device.grafana.colours import LOST, UNKNOWN, WAITING
from stem_device.grafana.contents.making import one, state
from stem_device.grafana.dashboard import Dashboard, Row
from stem_device.grafana.panel import Form, Panel
from stem_device.grafana.query import Flavour, How, Query

number = partial(Panel, form=Form.NUMBER, width=4, height=4)

_TOTALS = (
    number(title="Verdict", queries=state("verdict", legend="verdict"), only=Flavour.PROMETHEUS),
    number(title="Verdict", queries=state("verdict"), only=Flavour.OPENTSDB),
    number(title="Missed events", queries=one("events_missed"), bad=LOST),
    number(title="Unaccounted events", queries=one("events_unaccounted"), bad=LOST),
    number(title="Overdue events", queries=one("events_overdue"), bad=WAITING),
    number(title="Overdue is not known of", queries=one("subscriptions_overdue_unknown"), bad=UNKNOWN),
    number(title="Streams with unseen subscribers", queries=one("streams_unseen_subscribers"), bad=UNKNOWN),
)
_BY_SUBSCRIBER = ("subscriber",)
OVERVIEW = Dashboard(
    name="overview",
    title="Tango events: overview",
    about="Who loses events in the whole system, and why.",
    variables=(),
    rows=(
        Row(
            "Now",
            (
                *_TOTALS,
                Panel(
                    title="Verdict",
                    form=Form.STATES,
                    queries=state("verdict", legend="verdict"),
                    width=24,
                    height=4,
                    only=Flavour.PROMETHEUS,
                ),
                Panel(
                    title="Verdict",
                    form=Form.STATES,
                    queries=state("verdict"),
                    width=24,
                    height=5,
                    only=Flavour.OPENTSDB,
                ),
            ),
        ),
        Row(
            "Losses",
            (
                Panel(
                    title="Missed events by subscriber",
                    form=Form.LINES,
                    bad=LOST,
                    link=("server", "subscriber"),
                    queries=one("subscriber_events_missed", by=_BY_SUBSCRIBER),
                ),
                Panel(
                    title="Overdue events by subscriber",
                    form=Form.LINES,
                    bad=WAITING,
                    link=("server", "subscriber"),
                    queries=one("subscriber_events_overdue", by=_BY_SUBSCRIBER),
                ),
                Panel(
                    title="Unaccounted events by subscriber",
                    form=Form.LINES,
                    bad=LOST,
                    link=("server", "subscriber"),
                    queries=one("subscriber_events_unaccounted", by=_BY_SUBSCRIBER),
                ),
                Panel(
                    title="Subscriptions by cause",
                    form=Form.BARS,
                    bad=WAITING,
                    queries=one("findings", by=("concern", "cause"), legend="{concern}: {cause}"),
                ),
                Panel(
                    title="Subscriptions that lost events or wait for them",
                    form=Form.TABLE,
                    width=24,
                    height=9,
                    bad=LOST,
                    link=("subscription", "stream"),
                    only=Flavour.PROMETHEUS,
                    queries=(
                        Query(name="subscription_events_missed", how=How.ROWS, legend="missed"),
                        Query(name="subscription_events_unaccounted", how=How.ROWS, legend="unaccounted"),
                        Query(name="subscription_events_overdue", how=How.ROWS, legend="overdue"),
                    ),
                ),
                Panel(
                    title="Missed events by subscription",
                    form=Form.BARS,
                    width=24,
                    height=9,
                    bad=LOST,
                    only=Flavour.OPENTSDB,
                    queries=one(
                        "subscription_events_missed",
                        by=("subscriber", "stream"),
                        legend="{subscriber}: {stream}",
                    ),
                ),
            ),
        ),
        Row(
            "Traffic",
            (
                Panel(
                    title="Events per second",
                    form=Form.LINES,
                    queries=(
                        Query(name="events_published_per_second", legend="published"),
                        Query(name="events_received_per_second", legend="received"),
                    ),
                ),
                Panel(
                    title="Timing of the events of the latest poll",
                    form=Form.LINES,
                    queries=(
                        Query(name="latency_median_seconds", combine="max", legend="latency, median"),
                        Query(name="latency_p99_seconds", combine="max", legend="latency, 99 %"),
                        Query(name="processing_p99_seconds", combine="max", legend="in callbacks, 99 %"),
                        Query(name="push_p99_seconds", combine="max", legend="push, 99 %"),
                    ),
                ),
            ),
        ),
        Row(
            "Coverage",
            (
                Panel(
                    title="Servers by state", form=Form.LINES, width=8, queries=one("servers", by=("state",))
                ),
                Panel(
                    title="State of each server",
                    form=Form.STATES,
                    width=16,
                    link=("server", "server"),
                    queries=state("server_state", by=("server",)),
                    only=Flavour.PROMETHEUS,
                ),
                Panel(
                    title="Age of what is known of each server",
                    form=Form.LINES,
                    width=16,
                    queries=one("server_age_seconds", by=("server",), combine="max"),
                    only=Flavour.OPENTSDB,
                ),
                Panel(
                    title="Not observed",
                    form=Form.LINES,
                    width=8,
                    queries=(
                        Query(name="events_unobserved", legend="events not observed"),
                        Query(name="events_missed_before", legend="missed before monitoring began"),
                    ),
                ),
                Panel(title="Blind time", form=Form.LINES, width=8, queries=one("blind_seconds")),
                Panel(
                    title="Restarts and contradictions",
                    form=Form.LINES,
                    width=8,
                    queries=(
                        Query(name="series_resets", legend="counters that began again"),
                        Query(name="books_unbalanced", legend="books that did not balance"),
                    ),
                ),
            ),
        ),
    ),
)
