"""Sentences: what stands in them, and what must not."""

from __future__ import annotations

from stem_device.analysis.facts import Blind, Facts, Patience, Span
from stem_device.analysis.verdict import judge
from stem_device.analysis.wording import Words, parts, percent, sentence
from stem_device.model.poll import Failure
from tests.unit.analysis.analysis_facts import SECOND, START, facts, loss, lost, overdue, silence

PATIENCE = Patience()


def said(one: Facts, *, steady: bool = False) -> str:
    return sentence(judge(one, PATIENCE), Words(lambda name: name.removeprefix("dserver/"), steady=steady))


def test_the_share_is_that_of_the_loser_and_says_so() -> None:
    assert said(lost(loss(25, received=75))) == (
        "slow/1 missed 25 events of a/b/c/x.change from fast/1 (25 % of the 100 meant for it), "
        "lost between 2023-11-14 22:13:30 and 22:13:50 UTC; "
        "known subscriptions: 3 in 2 servers."
    )


def test_others_and_overdue_stand_beside_the_worst() -> None:
    text = said(lost(loss(9, 2, at_least=True), loss(4), loss(1), overdue=(overdue(),)))
    assert "missed at least 9 events of" in text
    assert "and 2 unaccounted (nobody can know whether they arrived)" in text
    assert "; 2 other subscriptions lost 5 more; 9 events are overdue; known" in text


def test_only_unaccounted() -> None:
    text = said(lost(loss(0, 1)))
    assert text.startswith("slow/1 has 1 event of a/b/c/x.change from fast/1 unaccounted (nobody can know")
    assert "arrived), between 2023-11-14" in text


def test_a_short_interval_has_milliseconds_and_a_long_one_two_dates() -> None:
    near = loss(since_utc_ns=START, until_utc_ns=START + SECOND)
    assert "between 2023-11-14 22:13:20.000 and 22:13:21.000 UTC" in said(lost(near))
    far = loss(since_utc_ns=START, until_utc_ns=START + 86_400 * SECOND)
    assert "between 2023-11-14 22:13:20 and 2023-11-15 22:13:20 UTC" in said(lost(far))


def test_clear_covers_and_says_what() -> None:
    assert said(facts()) == (
        "Nothing was missed between 2023-11-14 22:13:20 and 22:14:20 UTC; "
        "known subscriptions: 3 in 2 servers."
    )
    recent = facts(span=Span(START, START + 300_000_000_000, polls=2, hold_seconds=300.0))
    assert said(recent).startswith("Nothing was missed in the last 300 s; known")
    begun = facts(span=Span(START, START + 9, polls=2, hold_seconds=300.0))
    assert said(begun).startswith("Nothing was missed since 2023-11-14 22:13:20 UTC; known")


def test_steady_sentences_have_no_number_that_moves() -> None:
    one = facts(overdue=(overdue(),))
    assert "slow/1 waits for events of a/b/c/x.change from fast/1;" in said(one, steady=True)
    assert "waits for 9 overdue events" in said(one)
    frozen = facts(silences=(silence(Failure.SILENT, listeners=("dserver/a/1", "dserver/b/1"), listening=5),))
    assert "has not answered for 20 s, a/1, b/1 and 3 more listen to it: it is silent;" in said(frozen)
    assert "has not answered, a/1" in said(frozen, steady=True)


def test_how_long_nothing_was_counted_is_told() -> None:
    one = facts(blind=Blind(3, 9.34, "dserver/fast/1"))
    begin = "It is not known whether anything was missed: for up to"
    around = "around a restart, an end or a late answer nothing counted what was pushed to"
    assert said(one).startswith(f"{begin} 9.34 s {around} 3 subscriptions, by fast/1 for one; known")
    assert f"{begin} some time {around} subscriptions, by fast/1" in said(one, steady=True)
    gone = said(facts(blind=Blind(0, 2.0)))
    assert "for 2 s around a restart or an end nothing counted what was pushed; known" in gone


def test_every_ground_is_a_part_once() -> None:
    verdict = judge(
        facts(overdue_unknown=2, unobserved=1, silences=(silence(Failure.NOT_EXPORTED),)), PATIENCE
    )
    first, *others = parts(verdict)
    assert first.startswith("It is not known whether anything was missed: overdue events of 2 subscriptions")
    assert first.count("(and 1 more)") == 1
    assert others == [
        "1 event was pushed around a restart, an end or a beginning: nothing tells whether it arrived.",
        "dserver/fast/1 does not run: it was stopped.",
    ]


def test_percent_rounds_to_nothing_untrue() -> None:
    assert [percent(share) for share in (0.0, 1e-6, 0.5, 0.99999, 1.0)] == [
        "0 %",
        "0.0001 %",
        "50 %",
        "99.9 %",
        "100 %",
    ]
