from __future__ import annotations

import pytest

from stem_device.accounting.ledger import Ledger
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.model.clock import SystemClock
from stem_device.model.poll import Answer, Poll, ServerState
from stem_device.model.reply import Dialect, PublisherReply, Reply
from stem_device.report.check import CheckReport, check_lines, check_report

FINE = Answer(
    "dserver/a/1",
    ServerState.MONITORED,
    tango_version="10.3",
    reply=Reply(Dialect.CPPTANGO_1, PublisherReply({"x": 1, "y": 1}, None), None),
)
OLD = Answer(
    "dserver/z/1", ServerState.UNSUPPORTED, reason="runs Tango 9.5:\nupgrade it", tango_version="9.5"
)


def poll(*answers: Answer, problems: tuple[str, ...] = ()) -> Poll:
    return Poll(1, 0, 0, 0.0, 0.0, 0, answers, problems)


def report_of(checked: Poll) -> CheckReport:
    """As ``stem check`` makes it."""
    snapshot = Ledger(SystemClock()).account(checked)
    return check_report(checked, Running(Patience(), once=True).take(snapshot))


def test_trouble_comes_first_and_says_why() -> None:
    assert list(check_lines(report_of(poll(FINE, OLD)))) == [
        'server=dserver/z/1 state=unsupported tango=9.5 reason="runs Tango 9.5: upgrade it"',
        "server=dserver/a/1 state=monitored tango=10.3 streams=2 subscriptions=0",
        'verdict level=unknown text="It is not known whether anything was missed: there is one poll, and '
        'events are counted from one poll to the next (and 2 more); known subscriptions: 0."',
        'uncovered code=no_subscription text="no subscription is known"',
        "summary monitored=1/2",
    ]


@pytest.mark.parametrize(
    ("checked", "complete", "monitored"),
    [
        (poll(FINE), True, 1),
        (poll(FINE, OLD), False, 1),
        (poll(FINE, problems=("nothing matches",)), False, 1),
        (poll(OLD), False, 0),
        (poll(), False, 0),
    ],
)
def test_complete_means_all_that_was_asked_for(checked, complete, monitored) -> None:
    report = report_of(checked)
    assert (report.complete, report.monitored) == (complete, monitored)


def test_a_problem_has_a_line() -> None:
    assert 'problem "nothing matches"' in list(check_lines(report_of(poll(problems=("nothing\nmatches",)))))
