"""Events: published, received, missed."""

from __future__ import annotations

from stem_device.analysis.verdict import Why
from stem_device.device.attributes.spec import (
    AttributeSpec,
    count,
    told,
    waits_for,
)

EVENTS: tuple[AttributeSpec, ...] = (
    told(
        "totalMissedEvents", "Missed events", quality=lambda verdict: "alarm" if verdict.missed else "valid"
    ),
    told(
        "totalUnaccountedEvents",
        "Unaccounted events",
        quality=lambda verdict: "alarm" if verdict.unaccounted else "valid",
    ),
    told("totalGaps", "Gaps"),
    count(
        "overdueEvents",
        "Overdue events",
        "events",
        "Events that were pushed before the previous poll and are not received by now: stuck, or lost "
        "without anybody having noticed yet. Falls back to 0 when they arrive. What is not known is not in "
        "it, see unknownOverdueSubscriptions: where nothing else is overdue it is invalid then, and not 0.",
        lambda polled: polled.snapshot.counts.known_overdue,
        quality=waits_for(Why.OVERDUE),
    ),
    told("totalPublishedEvents", "Published events"),
    told("totalReceivedEvents", "Received events"),
    told("totalDiscardedEvents", "Discarded events"),
    told("counterResets", "Counter resets", expert=True),
    told("publishedRate", "Publishing rate", form="%.3f"),
    told("receivedRate", "Receiving rate", form="%.3f"),
    told("disconnectedSubscriptions", "Disconnected subscriptions", quality=waits_for(Why.DISCONNECTED)),
)
