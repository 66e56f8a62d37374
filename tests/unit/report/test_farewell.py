from __future__ import annotations

import math

from msgspec import structs

from stem_device.model.finding import Cause, Concern, Finding, Standing
from stem_device.report.farewell import MOST_NAMED, farewell, wrapped
from stem_device.report.summary import Summary, summarise
from tests.unit.made_verdicts import judged
from tests.unit.report.report_snapshots import (
    PUBLISHER,
    STREAM,
    SUBSCRIBER,
    TOPIC,
    server,
    snapshot,
    subscription,
)

LOSSY = snapshot(
    server(PUBLISHER),
    server(SUBSCRIBER, subscriptions=(subscription(12, 12, missed_total=13, missed_delta=13),)),
    poll=2,
)
FINDING = Finding(
    server=SUBSCRIBER,
    topic=TOPIC,
    stream=STREAM,
    publisher=PUBLISHER,
    concern=Concern.LOST,
    cause=Cause.CALLBACK_SLOW,
    likely=True,
    standing=Standing.OK,
    lost=13,
    overdue=0,
    since_utc_ns=0,
    until_utc_ns=1,
    sentence="20 ms an event is 49 events/s; 1,500/s came.",
    advice="Make the callback faster.",
)


def told(**changes: object) -> list[str]:
    summary: Summary = summarise(LOSSY, judged(LOSSY, hold_seconds=math.inf))
    return list(farewell(structs.replace(summary, **changes)))


def test_the_verdict_comes_first_and_nothing_is_a_key() -> None:
    verdict, totals, loser = told()
    assert verdict.startswith("sub/1 missed 13 events of test/pub/1/attr.change")
    assert totals.startswith("2 polls of 2 servers in ")
    assert loser == "sub/1 missed 13 of test/pub/1/attr.change."
    assert "=" not in verdict + totals + loser


def test_who_lost_is_told_with_the_cause_and_what_to_do() -> None:
    assert told(findings=(FINDING,))[2] == (
        "sub/1 lost 13 of test/pub/1/attr.change: likely callback too slow: 20 ms an event is 49 events/s; "
        "1,500/s came. Make the callback faster."
    )


def test_more_than_a_screen_is_counted() -> None:
    (row,) = summarise(LOSSY, judged(LOSSY)).lossy
    assert len(told(lossy=(row,) * 10)) == 2 + 10
    lines = told(lossy=(row,) * (MOST_NAMED + 3))
    assert len(lines) == 2 + MOST_NAMED + 1
    assert lines[-1].startswith("3 more subscriptions lost events")


def test_what_is_not_known_is_not_zero() -> None:
    total = structs.replace(LOSSY.counts, overdue=0, overdue_unknown=1)
    assert told(total=total)[1].endswith(", overdue not known of 1 subscription.")


def test_names_stay_in_one_piece() -> None:
    name = "dserver/a-very-long-server-name/with-an-instance-that-is-long-too-and-more"
    lines = wrapped(f"{name} missed 13 events of it", 40).splitlines()
    assert lines == [name, "missed 13 events of it"]
