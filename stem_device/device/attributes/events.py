"""Events: published, received, missed."""

from __future__ import annotations

from stem_device.analysis.verdict import Why
from stem_device.device.attributes.spec import AttributeSpec, count, of_poll, waits_for

EVENTS: tuple[AttributeSpec, ...] = (
    count(
        "totalMissedEvents",
        "Missed events",
        "events",
        "Events that were pushed and certainly never reached a subscription, since monitoringSince.",
        lambda polled: polled.snapshot.counts.missed,
        quality=lambda verdict: "alarm" if verdict.missed else "valid",
    ),
    count(
        "totalUnaccountedEvents",
        "Unaccounted events",
        "events",
        "Events that were overdue when the life of a publisher or subscription ended, so that it can never "
        "be known whether they arrived, since monitoringSince. Falls where they arrive after all.",
        lambda polled: polled.snapshot.counts.unaccounted,
        quality=lambda verdict: "alarm" if verdict.unaccounted else "valid",
    ),
    count(
        "totalGaps",
        "Gaps",
        "gaps",
        "How many times cppTango noticed that events are missing, since monitoringSince.",
        lambda polled: polled.snapshot.counts.gaps,
    ),
    count(
        "overdueEvents",
        "Overdue events",
        "events",
        "Events that were pushed before the previous poll and are not received by now: stuck, or lost "
        "without anybody having noticed yet. Falls back to 0 when they arrive. What is not known is not in "
        "it: see unknownOverdueSubscriptions.",
        lambda polled: polled.snapshot.counts.overdue,
        quality=waits_for(Why.OVERDUE),
    ),
    count(
        "totalPublishedEvents",
        "Published events",
        "events",
        "Events that the monitored servers pushed, since monitoringSince.",
        lambda polled: polled.snapshot.counts.published,
    ),
    count(
        "totalReceivedEvents",
        "Received events",
        "events",
        "Events that the subscriptions of the monitored servers received, since monitoringSince. One "
        "published event is received once by each subscribing process.",
        lambda polled: polled.snapshot.counts.received,
    ),
    count(
        "totalDiscardedEvents",
        "Discarded events",
        "events",
        "Events that cppTango received and threw away as duplicates, since monitoringSince.",
        lambda polled: polled.snapshot.counts.discarded,
    ),
    count(
        "counterResets",
        "Counter resets",
        "resets",
        "How many times a counter began a new series, since monitoringSince: a publisher or subscriber was "
        "restarted, or a stream was renewed.",
        lambda polled: polled.snapshot.counts.resets,
        expert=True,
    ),
    AttributeSpec(
        name="publishedRate",
        dtype="DevDouble",
        label="Publishing rate",
        unit="events/s",
        format="%.3f",
        doc="Events pushed per second by all monitored servers, since the previous poll.",
        value=of_poll(lambda polled: polled.snapshot.published_rate),
    ),
    AttributeSpec(
        name="receivedRate",
        dtype="DevDouble",
        label="Receiving rate",
        unit="events/s",
        format="%.3f",
        doc="Events received per second by all subscriptions of the monitored servers, since the previous "
        "poll.",
        value=of_poll(lambda polled: polled.snapshot.received_rate),
    ),
    count(
        "disconnectedSubscriptions",
        "Disconnected subscriptions",
        "subscriptions",
        "Subscriptions of the monitored servers that are not connected and are being retried by cppTango.",
        lambda polled: polled.digest.disconnected,
        quality=waits_for(Why.DISCONNECTED),
    ),
)
