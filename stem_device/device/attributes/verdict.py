"""The verdict, for panels: a level, a sentence, and numbers that fall again."""

from __future__ import annotations

from stem_device.analysis.verdict import Level, Verdict
from stem_device.analysis.wording import sentence
from stem_device.device.attributes.spec import (
    AttributeSpec,
    Quality,
    count,
    of_poll,
    told,
)
from stem_device.device.causes import why_worst
from stem_device.device.digest import Worst
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.device.view import Polled

_QUALITIES: dict[Level, Quality] = {Level.WAITING: "warning", Level.LOST: "alarm"}


def quality_of_level(verdict: Verdict) -> Quality:
    """As the colours of the levels."""
    return _QUALITIES.get(verdict.level, "valid")


def _worst_subscription(polled: Polled) -> str:
    """``25 missed, 3 unaccounted, 7 overdue: topic at server``; empty if nothing is lost or overdue."""
    worst = _worst(polled)
    if worst is None:
        return ""
    row = worst.subscription
    numbers = (
        (row.missed_total, "missed"),
        (row.unaccounted_total, "unaccounted"),
        (row.overdue or 0, "overdue"),
    )
    told = ", ".join(f"{number} {word}" for number, word in numbers if number)
    return f"{told}: {tango_text(row.topic)} at {tango_text(worst.server)}"


def _worst(polled: Polled) -> Worst | None:
    worst = polled.digest.worst[0] if polled.digest.worst else None
    return worst if worst and (worst.badness.lost or worst.badness.overdue) else None


def _worst_cause(polled: Polled) -> str:
    worst = _worst(polled)
    return tango_text(worst.subscription.cause) if worst else ""


def _text(polled: Polled) -> str:
    cause = why_worst(polled.snapshot, polled.verdict)
    told = sentence(polled.verdict) + (f" {cause}" if cause else "")
    return tango_text(told, MAX_SENTENCE_CHARACTERS)


VERDICT: tuple[AttributeSpec, ...] = (
    AttributeSpec(
        name="verdict",
        dtype="DevEnum",
        label="Verdict",
        unit="level",
        format="%s",
        doc="What the last AlarmHoldTime amounts to: clear, unknown (not all is covered), waiting (for "
        "overdue events, or for a server that is dead), or lost (events are missed or unaccounted).",
        value=of_poll(lambda polled: int(polled.verdict.level)),
        labels=tuple(level.word for level in Level),
        quality=quality_of_level,
    ),
    AttributeSpec(
        name="verdictText",
        dtype="DevString",
        label="Verdict in words",
        unit="text",
        format="%s",
        doc="The verdict in one sentence: who lost what from whom, and when; or what is waited for, or not "
        "covered; how many subscriptions are known; and the cause.",
        value=of_poll(_text),
        quality=quality_of_level,
    ),
    count(
        "recentMissedEvents",
        "Recently lost events",
        "events",
        "Events that were missed or unaccounted within the last AlarmHoldTime; falls back to 0.",
        lambda polled: polled.verdict.lost,
        quality=lambda verdict: "alarm" if verdict.lost else "valid",
    ),
    AttributeSpec(
        name="missedRate",
        dtype="DevDouble",
        label="Missing rate",
        unit="events/s",
        format="%.3f",
        doc="Events missed per second, since the previous poll. Invalid for the first poll.",
        value=of_poll(lambda polled: polled.missed_rate),
    ),
    AttributeSpec(
        name="worstSubscription",
        dtype="DevString",
        label="Worst subscription",
        unit="text",
        format="%s",
        doc="The first one of worstSubscriptions with its numbers, in one line; empty if nothing is lost or "
        "overdue.",
        value=of_poll(_worst_subscription),
    ),
    AttributeSpec(
        name="worstCause",
        dtype="DevString",
        label="Cause of the worst",
        unit="text",
        format="%s",
        doc="Code of why worstSubscription loses events or waits; empty if nothing is lost or overdue, or no "
        "cause is known.",
        value=of_poll(_worst_cause),
    ),
    told("unknownOverdueSubscriptions", "Overdue not known"),
    told("streamsWithUnseenSubscribers", "Streams with unseen subscribers"),
    told("booksUnbalanced", "Books that do not balance"),
)
