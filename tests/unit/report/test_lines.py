from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from msgspec import structs

from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts
from stem_device.report.changes import compare
from stem_device.report.lines import poll_lines, quoted, summary_lines
from stem_device.report.messages import messages
from stem_device.report.summary import summarise
from tests.unit.made_verdicts import judged
from tests.unit.report.report_snapshots import (
    PUBLISHER,
    STREAM,
    SUBSCRIBER,
    TOPIC,
    publisher_samples,
    retried,
    server,
    snapshot,
    stream,
    subscription,
)

LINE = re.compile(r"^2023-11-14T22:13:2\d\.\d{3}Z [a-z-]+( [a-z_0-9]+=(\"[^\"]*\"|[^\s\"]+))*( \"[^\"]*\")?$")

BEFORE = snapshot(
    server(streams=(stream(5),)),
    server(SUBSCRIBER, subscriptions=(subscription(5),)),
    counts=Counts(published=5, received=5),
)
LOSSY = snapshot(
    server(streams=(stream(25, 20),)),
    server(
        SUBSCRIBER,
        subscriptions=(
            subscription(12, 7, missed_total=13, missed_delta=13, gaps_total=1, gaps_delta=1, overdue=0),
        ),
        not_connected=(retried("other"),),
    ),
    poll=2,
    counts=Counts(published=25, received=12, missed=13, gaps=1),
    publisher_samples=publisher_samples((0, 100.0, 10), (0, 100.0, 30)),
    problems=("nothing matches 'lab/*/*'",),
    outlets=(
        OutletHealth("file", 7, 2, 1, 31, "OSError: no space left"),
        OutletHealth("panel", dropped=1),
        OutletHealth("marks", sent=9, waiting=3),
    ),
)


def lines_of(now, before=None) -> list[str]:
    return list(poll_lines(compare(now, before)))


def test_each_fact_has_its_line() -> None:
    lines = lines_of(LOSSY, BEFORE)
    assert all(LINE.match(line) for line in lines), lines
    facts = [line.partition(" ")[2] for line in lines]
    assert facts == [
        "poll number=2 monitored=2/2 published=+20 received=+7 missed=+13 unaccounted=+0 gaps=+1 discarded=+0"
        " overdue=0 missed_total=13 unaccounted_total=0 seconds=0.0020 spread=0.0001 overruns=0",
        "problem \"nothing matches 'lab/*/*'\"",
        'outlet name=file sent=7 dropped=2 failed=1 waiting=31 error="OSError: no space left"',
        "outlet name=panel sent=0 dropped=1 failed=0 waiting=0",
        f"disconnected server={SUBSCRIBER} stream={STREAM.replace('attr', 'other')}"
        " last_heartbeat=2026-01-01T00:00:00",
        f"published server={PUBLISHER} stream={STREAM} pushed=25 delta=+20 total=25",
        f"missed server={SUBSCRIBER} topic={TOPIC} received=+7 missed=+13 unaccounted=+0 gaps=+1 discarded=+0"
        " overdue=0 received_total=12 missed_total=13 unaccounted_total=0 callbacks=1",
        f"timing server={PUBLISHER} name=push count=2 mean_us=20.0 error_us=10.0 median_us=20.0 min_us=10"
        " max_us=30 q01_us=10.2 q10_us=12.0 q90_us=28.0 q99_us=29.8",
        f"timing server={PUBLISHER} name=between-pushes count=2 mean_us=100.0 error_us=0.0 median_us=100.0"
        " min_us=100 max_us=100 q01_us=100.0 q10_us=100.0 q90_us=100.0 q99_us=100.0",
    ]


def test_the_first_poll_lists_what_there_is() -> None:
    kinds = [line.split()[1] for line in lines_of(BEFORE)]
    assert kinds == ["poll", "server-new", "server-new", "stream-new", "subscription-new"]


def test_a_lower_bound_an_unknown_and_a_change_of_callbacks_are_told() -> None:
    now = server(
        SUBSCRIBER,
        subscriptions=(
            subscription(
                5, missed_total=3, missed_delta=3, missed_at_least=True, overdue=None, callback_count=2
            ),
        ),
    )
    line = lines_of(snapshot(now, poll=2), BEFORE)[-1]
    assert "overdue=unknown" in line
    assert "missed_total=>=3" in line
    assert line.endswith("callbacks=1->2")


def test_a_reason_with_newlines_and_quotes_stays_on_one_line() -> None:
    down = server(state=ServerState.NOT_EXPORTED, reason='down:\n  start "it"', age_seconds=None)
    line = lines_of(snapshot(down))[1]
    assert line.endswith(
        "server-new server=" + PUBLISHER + ' state="not exported" tango=10.3.3 reason="down: start \'it\'"'
    )


def test_a_server_that_is_asked_less_often_says_so() -> None:
    often, spared = lines_of(snapshot(server("a"), server("b", asked_every=3)))[1:]
    assert "asked_every" not in often
    assert spared.endswith(" server-new server=b state=monitored tango=10.3.3 asked_every=3")
    (changed,) = lines_of(snapshot(server("a", asked_every=3), poll=2), snapshot(server("a")))[1:]
    assert changed.endswith(" server server=a state=monitored tango=10.3.3 asked_every=3")


@pytest.mark.parametrize(("text", "expected"), [("a", "a"), ("", '""'), ("a b", '"a b"'), ('"', '"\'"')])
def test_quoted(text, expected) -> None:
    assert quoted(text) == expected


def test_the_summary_names_who_lost_events() -> None:
    lines = summary_lines(summarise(LOSSY, judged(LOSSY, hold_seconds=math.inf)))
    summary, verdict, lossy = (line.partition(" ")[2] for line in lines)
    assert summary == (
        "summary polls=2 seconds=1.0 servers=2 published=25 received=12 missed=13 unaccounted=0 gaps=1"
        " discarded=0 overdue=0"
    )
    assert verdict.startswith(f'verdict level=lost text="{SUBSCRIBER} missed 13 events of {STREAM}')
    assert lossy == (
        f"lossy server={SUBSCRIBER} stream={STREAM} received=12 missed=13 unaccounted=0 gaps=1 overdue=0"
    )


def test_overdue_that_nobody_knows_is_not_zero() -> None:
    row = subscription(5, overdue=None, unaccounted_total=4, unaccounted_delta=-2)
    one = snapshot(server(SUBSCRIBER, subscriptions=(row,)), poll=2)
    counts = structs.replace(one.counts, overdue=0, overdue_unknown=1, unaccounted=4)
    one = replace(one, counts=counts)
    assert " overdue=unknown overdue_unknown=1 " in lines_of(one, BEFORE)[0]
    known = replace(one, counts=structs.replace(counts, overdue=3))
    assert " overdue=3 overdue_unknown=1 " in lines_of(known, BEFORE)[0]
    summary, _, lossy = summary_lines(summarise(one, judged(one)))
    assert summary.endswith(" unaccounted=4 gaps=0 discarded=0 overdue=unknown overdue_unknown=1")
    assert " unaccounted=4 " in lossy
    (line,) = (line for line in lines_of(one, BEFORE) if f"topic={TOPIC}" in line)
    assert " unaccounted=-2 " in line
    assert " unaccounted_total=4 " in line


def test_a_run_without_loss_has_no_lossy_line() -> None:
    assert len(list(summary_lines(summarise(BEFORE, judged(BEFORE))))) == 2


def test_messages_tell_losses_but_no_ordinary_traffic() -> None:
    said = messages(compare(LOSSY, BEFORE))
    assert [text.partition(" ")[2] for text in said] == [
        "nothing matches 'lab/*/*'",
        "file lacks 3 polls, 31 waiting: OSError: no space left",
        "panel lacks 1 poll, 0 waiting",
        "sub/1 has lost the connection to test/pub/1/other.change",
        "sub/1 missed 13 of test/pub/1/attr.change",
    ]
    calm = snapshot(
        server(streams=(stream(9, 4),)), server(SUBSCRIBER, subscriptions=(subscription(9, 4),)), poll=2
    )
    assert messages(compare(calm, BEFORE)) == ()
