"""The rules of the verdict, one row a rule, and what must never happen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stem_device.analysis.facts import Blind, Coverage, Facts, Patience, Span, Unseen
from stem_device.analysis.verdict import Level, Why, judge
from stem_device.analysis.wording import parts, sentence
from stem_device.model.poll import Failure
from tests.unit.analysis.analysis_facts import HEALTHY, facts, loss, lost, overdue, retried, silence

PATIENCE = Patience(overdue_polls=2, unreachable_polls=2)
LISTENED: dict[str, Any] = {"listeners": ("dserver/slow/1",), "listening": 1}

RULES = [
    ("healthy", HEALTHY, Level.CLEAR, None),
    ("missed", lost(loss(5)), Level.LOST, None),
    ("unaccounted", lost(loss(0, 5)), Level.LOST, None),
    ("lost by subscriptions without a name", facts(missed=4, losers=1), Level.LOST, None),
    ("lost, and much else", lost(loss(), overdue=(overdue(),), overdue_unknown=1), Level.LOST, Why.OVERDUE),
    ("overdue for as long as the rule says", facts(overdue=(overdue(2),)), Level.WAITING, Why.OVERDUE),
    ("overdue for less", facts(overdue=(overdue(1),)), Level.UNKNOWN, Why.YOUNG_OVERDUE),
    (
        "overdue while it starts",
        facts(overdue=(overdue(9, starting=True),)),
        Level.UNKNOWN,
        Why.YOUNG_OVERDUE,
    ),
    ("refused twice", facts(silences=(silence(Failure.REFUSED),)), Level.WAITING, Why.REFUSED),
    ("refused once", facts(silences=(silence(Failure.REFUSED, 1),)), Level.UNKNOWN, Why.NOT_ANSWERED),
    (
        "publisher refused once",
        facts(silences=(silence(Failure.REFUSED, 1, **LISTENED),)),
        Level.WAITING,
        Why.REFUSED,
    ),
    ("silent", facts(silences=(silence(Failure.SILENT, 2, 15.0),)), Level.WAITING, Why.SILENT),
    (
        "silent for one poll",
        facts(silences=(silence(Failure.SILENT, 1, 99),)),
        Level.UNKNOWN,
        Why.NOT_ANSWERED,
    ),
    ("silent for 14 s", facts(silences=(silence(Failure.SILENT, 9, 14),)), Level.UNKNOWN, Why.NOT_ANSWERED),
    (
        "followed publisher dead",
        facts(silences=(silence(Failure.REFUSED, 1, followed=True, **LISTENED),)),
        Level.WAITING,
        Why.REFUSED,
    ),
    (
        "followed publisher frozen",
        facts(silences=(silence(Failure.SILENT, followed=True, **LISTENED),)),
        Level.WAITING,
        Why.SILENT,
    ),
    (
        "followed server of no concern",
        facts(silences=(silence(Failure.REFUSED, followed=True),)),
        Level.CLEAR,
        None,
    ),
    (
        "followed server that cannot be asked: its overdue is unknown",
        facts(silences=(silence(Failure.UNSUPPORTED, followed=True, **LISTENED),)),
        Level.CLEAR,
        None,
    ),
    (
        "stopped in good order",
        facts(silences=(silence(Failure.NOT_EXPORTED, **LISTENED),)),
        Level.CLEAR,
        Why.STOPPED,
    ),
    ("unsupported", facts(silences=(silence(Failure.UNSUPPORTED),)), Level.UNKNOWN, Why.NOT_ASKED),
    ("no such device", facts(silences=(silence(Failure.UNDEFINED),)), Level.UNKNOWN, Why.NOT_ASKED),
    ("database away", facts(silences=(silence(Failure.DATABASE, 99, 999),)), Level.UNKNOWN, Why.DATABASE),
    *(
        (f"{failure} for long", facts(silences=(silence(failure),)), Level.WAITING, Why.FAILING)
        for failure in (Failure.ERROR, Failure.REPLY, Failure.IMPLAUSIBLE)
    ),
    ("failing once", facts(silences=(silence(Failure.REPLY, 1),)), Level.UNKNOWN, Why.UNUSABLE),
    ("disconnected", facts(disconnected=(retried(2),)), Level.WAITING, Why.DISCONNECTED),
    ("connecting", facts(disconnected=(retried(1),)), Level.UNKNOWN, Why.CONNECTING),
    ("overdue unknown", facts(overdue_unknown=2), Level.UNKNOWN, Why.OVERDUE_UNKNOWN),
    ("unseen", facts(unseen=(Unseen("s", certain=True),)), Level.UNKNOWN, Why.UNSEEN),
    ("perhaps unseen", facts(unseen=(Unseen("s", certain=False),)), Level.UNKNOWN, Why.UNSEEN),
    ("unobserved", facts(unobserved=1), Level.UNKNOWN, Why.UNOBSERVED),
    ("blind", facts(blind=Blind(0, 0.5)), Level.UNKNOWN, Why.BLIND),
    ("books", facts(unbalanced=1), Level.UNKNOWN, Why.UNBALANCED),
    ("a gap in time", facts(uncounted_seconds=0.5), Level.UNKNOWN, Why.UNCOUNTED_TIME),
    ("a problem", facts(problems=("sys/nothing/*: no device",)), Level.UNKNOWN, Why.PROBLEM),
    ("an old recording", facts(incomplete=True), Level.UNKNOWN, Why.INCOMPLETE),
    ("no subscription", facts(coverage=Coverage(answering=1, servers=1)), Level.UNKNOWN, Why.NO_SUBSCRIPTION),
    ("no poll", facts(span=Span()), Level.UNKNOWN, Why.NO_POLL),
]


@pytest.mark.parametrize(("one", "level", "why"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(one: Facts, level: Level, why: Why | None) -> None:
    verdict = judge(one, PATIENCE)
    assert verdict.level is level
    found = {ground.why for ground in (*verdict.waiting, *verdict.uncovered, *verdict.told)}
    if why is None:
        assert found == set()
    else:
        assert why in found
    assert f"nown subscriptions: {one.coverage.subscriptions}" in sentence(verdict)


def test_patience_is_an_option() -> None:
    patient = Patience(overdue_polls=5, unreachable_polls=4)
    assert judge(facts(overdue=(overdue(4),)), patient).level is Level.UNKNOWN
    assert judge(facts(overdue=(overdue(5),)), patient).level is Level.WAITING
    assert judge(facts(silences=(silence(Failure.SILENT, 3),)), patient).level is Level.UNKNOWN
    assert judge(facts(silences=(silence(Failure.SILENT, 4),)), patient).level is Level.WAITING
    assert judge(facts(disconnected=(retried(4),)), patient).level is Level.WAITING


def test_the_dead_publisher_is_told_before_those_who_wait_for_it() -> None:
    verdict = judge(
        facts(overdue=(overdue(),), silences=(silence(Failure.REFUSED, 1, **LISTENED),)), PATIENCE
    )
    assert [ground.why for ground in verdict.waiting] == [Why.REFUSED, Why.OVERDUE]
    assert "dserver/fast/1 ended without having been stopped, dserver/slow/1 listens to it" in sentence(
        verdict
    )


def test_levels_have_words_and_colours() -> None:
    assert [(level.word, level.colour) for level in Level] == [
        ("clear", "green"),
        ("unknown", "grey"),
        ("waiting", "amber"),
        ("lost", "red"),
    ]


counts = st.integers(0, 3)
silences = st.lists(
    st.builds(
        lambda failure, polls, seconds, followed, listening: silence(
            failure, polls, seconds, followed=followed, listening=listening, listeners=("l",) * listening
        ),
        st.sampled_from([failure for failure in Failure if failure is not Failure.NONE]),
        st.integers(1, 4),
        st.floats(0, 60),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=3,
)
some_facts = st.builds(
    lambda losses, waits, silent, retries, unknown, unseen, pushed, blind, books, gap, problems, old, known: (
        lost(
            *losses,
            overdue=tuple(waits),
            silences=tuple(silent),
            disconnected=tuple(retries),
            overdue_unknown=unknown,
            unseen=tuple(unseen),
            unobserved=pushed,
            blind=blind,
            unbalanced=books,
            uncounted_seconds=gap,
            problems=tuple(problems),
            incomplete=old,
            coverage=Coverage(subscriptions=known, subscribers=known, answering=1, servers=1),
        )
    ),
    st.lists(st.builds(loss, counts, counts), max_size=2).map(
        lambda losses: [one for one in losses if one.lost]
    ),
    st.lists(st.builds(overdue, st.integers(0, 4)), max_size=2),
    silences,
    st.lists(st.builds(retried, st.integers(1, 4)), max_size=2),
    counts,
    st.lists(st.builds(Unseen, st.just("s"), st.booleans()), max_size=2),
    counts,
    st.none() | st.builds(Blind, counts, st.floats(0.1, 9)),
    counts,
    st.floats(0, 5),
    st.lists(st.just("a problem"), max_size=1),
    st.booleans(),
    counts,
)


@given(some_facts)
def test_never_clear_beside_anything_that_is_not_covered(one: Facts) -> None:
    verdict = judge(one, PATIENCE)
    anything = (
        one.missed,
        one.unaccounted,
        one.overdue,
        [s for s in one.silences if s.failure is not Failure.NOT_EXPORTED and not s.followed],
        one.disconnected,
        one.overdue_unknown,
        one.unseen,
        one.unobserved,
        one.blind,
        one.unbalanced,
        one.uncounted_seconds,
        one.problems,
        one.incomplete,
        not one.coverage.subscriptions,
    )
    if any(anything):
        assert verdict.level is not Level.CLEAR
    if one.missed or one.unaccounted:
        assert verdict.level is Level.LOST
    assert (verdict.level is Level.CLEAR) == ("Nothing was missed" in sentence(verdict))
    assert not ("Nothing was missed" in " ".join(parts(verdict)) and one.overdue)


@given(some_facts, some_facts)
def test_more_facts_never_make_it_better(one: Facts, other: Facts) -> None:
    both = structs.replace(
        one,
        **{
            field: getattr(one, field) + getattr(other, field)
            for field in ("missed", "unaccounted", "losses", "losers", "overdue", "silences", "disconnected")
        },
        overdue_unknown=one.overdue_unknown + other.overdue_unknown,
    )
    assert judge(both, PATIENCE).level >= judge(one, PATIENCE).level


def test_which_subscription_was_blind_longest() -> None:
    """One definition, for live polls, recordings and the tests of pytest."""
    each = [(0.0, 0), (2.0, 1), (7.0, 2), (7.0, 3), (-1.0, 4)]
    assert Blind.longest(each, 16.0, "abcde".__getitem__) == Blind(3, 7.0, "c")
    assert Blind.longest(each[:1], 5.0, "abcde".__getitem__) == Blind(0, 5.0)
