"""What a person reads below the prompt when ``stem monitor`` has ended: sentences, the verdict first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from stem_device.analysis.causes import cause_of, outcome_of
from stem_device.analysis.wording import WORDS
from stem_device.report import number_text
from stem_device.report.overview import SubscriptionRow, judgement
from stem_device.report.summary import Summary

MOST_NAMED = 10
"""Subscriptions with losses: more are counted. With their causes they fill a screen of 24 lines, two each;
half as many would leave it half empty, and of twice as many the verdict above them would be out of sight."""


def farewell(summary: Summary) -> Iterator[str]:
    """The verdict, the totals, then who lost what and why, worst first: a paragraph each."""
    yield judgement(summary.verdict).sentence
    yield _totals(summary)
    prefix = number_text.common_prefix(row.subscriber for row in summary.lossy)
    why = {(finding.server, finding.stream): finding for finding in summary.findings}
    for row in summary.lossy[:MOST_NAMED]:
        finding = why.get((row.subscriber, row.stream))
        text = f"{row.subscriber} {outcome_of(finding)}: {cause_of(finding)}" if finding else _row(row)
        advice = f" {finding.advice}" if finding and finding.advice else ""
        yield number_text.without(prefix, f"{text}{advice}")
    if len(summary.lossy) > MOST_NAMED:
        more = WORDS.many(len(summary.lossy) - MOST_NAMED, "more subscription")
        yield f"{more} lost events or wait for them; 'stem why' of a recording names all."


def wrapped(paragraph: str, width: int) -> str:
    """Broken between words: a name stays in one piece, to be copied."""
    return textwrap.fill(paragraph, max(20, width), break_long_words=False, break_on_hyphens=False)


def _totals(summary: Summary) -> str:
    total = summary.total
    told = [(total.published, "published"), (total.received, "received"), (total.missed, "missed")]
    told += [(total.unaccounted, "unaccounted")] if total.unaccounted else []
    told += [(total.overdue, "overdue")] if total.overdue else []
    counted = ", ".join(f"{number_text.count(number)} {what}" for number, what in told)
    if total.overdue_unknown:
        counted += f", overdue not known of {WORDS.many(total.overdue_unknown, 'subscription')}"
    return (
        f"{WORDS.many(summary.polls, 'poll')} of {WORDS.many(summary.servers_total, 'server')} "
        f"in {number_text.seconds(summary.seconds)}. Events: {counted}."
    )


def _row(row: SubscriptionRow) -> str:
    at_least = "at least " if row.missed_at_least else ""
    told = [f"missed {at_least}{number_text.count(row.missed_total)}"] if row.missed_total else []
    told += [f"lacks {number_text.count(row.unaccounted_total)} unaccounted"] if row.unaccounted_total else []
    told += [f"waits for {number_text.count(row.overdue)}"] if row.overdue else []
    return f"{row.subscriber} {' and '.join(told)} of {row.stream}."
