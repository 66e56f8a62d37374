from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py")
pytest.importorskip("scipy")

from stem_device.cli.compare_tables import compare_parts
from stem_device.reading import Recording, open_recording
from stem_device.statistics import Change, Comparison, Kind, Verdict, compare
from tests.unit.statistics.altered_recording import altered, subscription
from tests.unit.synthetic_recording import HOST, Loss, Plan, write_recording

pytestmark = pytest.mark.extras

POLLS = 60
FEW = tuple(Loss(poll, 1, 2, 10) for poll in (7, 8, 40))
MANY = tuple(Loss(poll, 1, 2, 60) for poll in range(2, POLLS, 4))


def made(path: Path, seed: int, **values: Any) -> Recording:
    return open_recording(write_recording(path, Plan(**({"polls": POLLS, "seed": seed} | values))).paths)


def conclusion(comparison: Comparison) -> str:
    """The sentences that a person reads first."""
    _, said, *_ = compare_parts(comparison, 10)
    return str(said)


def by_kind(comparison: Comparison, kind: Kind, quantile: str = "") -> Change:
    (found,) = [one for one in comparison.overall if (one.kind, one.quantile) == (kind, quantile)]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def before(folder: Path) -> Recording:
    return made(folder / "before.h5", 1, losses=FEW)


@pytest.fixture(scope="module")
def worse(folder: Path) -> Recording:
    return made(folder / "worse.h5", 1, losses=MANY, slow={3: 1.5})


def test_nothing_changed(before: Recording, folder: Path) -> None:
    with made(folder / "again.h5", 1, losses=FEW) as again:
        found = compare(before, again)
    assert {one.verdict for one in (*found.overall, *found.single)} == {Verdict.UNSURE}
    assert not any(found.failed(kind) for kind in Kind)


def test_what_became_worse_is_found(before: Recording, worse: Recording) -> None:
    found = compare(before, worse)
    missed = by_kind(found, Kind.MISSED)
    assert missed.verdict is Verdict.WORSE
    assert (found.a.missed, found.b.missed) == (30, 60 * len(MANY))
    assert missed.evidence.a == pytest.approx(30 / found.a.expected)
    assert missed.evidence.b == pytest.approx(60 * len(MANY) / found.b.expected)
    assert missed.adjusted_p_value < 0.05
    assert found.overall[0] == missed
    lossy = [one for one in found.single if one.kind is Kind.MISSED]
    assert [(one.server, one.stream) for one in lossy] == [
        ("dserver/motion/001", "lab/axis/002/position02.change")
    ]
    assert lossy[0].verdict is Verdict.WORSE
    slow = {one.server for one in found.single if one.kind is Kind.LATENCY and one.verdict is Verdict.WORSE}
    assert slow == {"dserver/motion/003"}
    (median,) = [
        one
        for one in found.single
        if (one.kind, one.quantile, one.server) == (Kind.LATENCY, "median", "dserver/motion/003")
    ]
    assert median.evidence.ratio == pytest.approx(1.5, abs=0.05)
    assert median.evidence.ratio_low < 1.5 < median.evidence.ratio_high
    assert set(found.failed(Kind.MISSED)) == {missed, lossy[0]}
    assert found.failed(Kind.LATENCY)
    assert not found.failed(Kind.PUSH)
    assert not found.failed(Kind.OVERDUE)


def test_the_other_way_round_it_is_better(before: Recording, worse: Recording) -> None:
    found = compare(worse, before)
    assert by_kind(found, Kind.MISSED).verdict is Verdict.BETTER
    assert not any(found.failed(kind) for kind in Kind)


def test_time_spans_of_one_recording(folder: Path) -> None:
    losses = tuple(Loss(poll, 1, 2, 60) for poll in range(POLLS // 2, POLLS, 2))
    with made(folder / "spans.h5", 4, losses=losses) as recording:
        middle = int(recording["polls"]["time_utc_ns"][POLLS // 2])
        found = compare(recording.select(end=middle), recording.select(start=middle))
    assert (found.a.missed, found.b.missed) == (0, 60 * len(losses))
    assert found.a.polls == found.b.polls == POLLS // 2
    assert by_kind(found, Kind.MISSED).verdict is Verdict.WORSE


def test_from_none_to_some_fails_without_statistics(folder: Path) -> None:
    once = (Loss(30, 1, 2, 10),)
    with made(folder / "none.h5", 1) as none, made(folder / "some.h5", 1, losses=once) as some:
        found, back = compare(none, some), compare(some, none)
    missed = by_kind(found, Kind.MISSED)
    assert missed.verdict is Verdict.UNSURE
    assert found.failed(Kind.MISSED) == (missed,)
    assert back.failed(Kind.MISSED) == ()
    said, said_back = conclusion(found), conclusion(back)
    assert said.startswith("B has 10 events missed or unaccounted, and A none.\nNothing else became")
    assert said_back.startswith("Nothing became")


def test_overdue_events(folder: Path) -> None:
    def stuck(poll, record):
        return subscription(record, 3, overdue=50 * (poll % 2)) if record.name.endswith("000") else record

    def fine(poll, record):
        return record

    plan = Plan(polls=POLLS)
    with altered(folder / "fine.h5", plan, fine) as a, altered(folder / "stuck.h5", plan, stuck) as b:
        found = compare(a, b)
    overdue = by_kind(found, Kind.OVERDUE)
    assert overdue.verdict is Verdict.WORSE
    assert (overdue.evidence.a, overdue.evidence.b) == pytest.approx((0, 25), abs=1)
    assert {one.stream for one in found.failed(Kind.OVERDUE)} == {
        "",
        "lab/axis/001/position03_of_the_third_axis_of_the_goniometer.change",
    }


def test_rates_are_more_or_less_but_not_better(folder: Path, before: Recording) -> None:
    with made(folder / "busy.h5", 1, losses=FEW, rate=150.0) as busy:
        found = compare(before, busy)
    for kind in (Kind.PUBLISHED, Kind.RECEIVED):
        change = by_kind(found, kind)
        assert change.verdict is Verdict.MORE
        assert change.evidence.ratio == pytest.approx(1.5, abs=0.03)


def test_another_database_port_is_the_same_system(folder: Path, before: Recording, monkeypatch) -> None:
    monkeypatch.setattr("tests.unit.synthetic_recording.HOST", HOST.replace("10000", "12345"))
    with made(folder / "port.h5", 1, losses=FEW) as other:
        found = compare(before, other)
        assert "tango://control.example.org:12345/dserver/motion/001" in set(other.names)
    assert found.only_in_a == found.only_in_b == ()
    assert [one.server for one in found.single if one.kind is Kind.MISSED] == ["dserver/motion/001"]


def test_what_is_in_one_only_is_told(folder: Path, before: Recording) -> None:
    with made(folder / "fewer.h5", 1, subscriptions=4) as fewer:
        found = compare(before, fewer)
    assert len(found.only_in_a) == 4
    assert found.only_in_b == ()
    assert found.only_in_a[0].server == "dserver/motion/000"


def test_too_short_to_tell(folder: Path, before: Recording) -> None:
    with made(folder / "short.h5", 1, polls=4) as short:
        found = compare(before, short)
    assert {one.verdict for one in found.overall} == {Verdict.UNKNOWN}
    assert "too little was recorded" in found.overall[0].sentence


def test_the_same_files_give_the_same_answer(before: Recording, worse: Recording) -> None:
    assert repr(compare(before, worse)) == repr(compare(before, worse))


def test_sentences(before: Recording, worse: Recording) -> None:
    found = compare(before, worse)
    told = by_kind(found, Kind.MISSED).sentence
    assert told.startswith("share of events missed: 0.0")
    assert "; sure (chance alone would make a difference like this in " in told
    unsure = by_kind(found, Kind.PUSH, "median").sentence
    assert unsure.startswith("time spent pushing, median: ")
    assert "no sure change" in unsure
