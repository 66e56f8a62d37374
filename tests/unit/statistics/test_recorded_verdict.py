"""The verdict over a recording is the one that a live monitor came to; ground truth: the live one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("h5py")

from msgspec import structs

from stem_device.analysis.verdict import Level, Verdict, Why
from stem_device.analysis.wording import sentence
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import (
    Counts,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriptionRecord,
    Unseen,
)
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.statistics import Choice, Polls
from stem_device.statistics.verdict import recorded_verdict
from tests.unit.made_snapshots import (
    BEGIN_UTC_NS,
    SECOND,
    disconnected,
    server,
    snapshot,
    stream,
    subscription,
)
from tests.unit.made_verdicts import judged

pytestmark = pytest.mark.extras

PUBLISHER = "tango://h:1/dserver/fast/1"


def recorded(path: Path, *snapshots: Snapshot, hole: bool = False, **chosen: object) -> Verdict:
    """``hole``: numbers of polls are those of the seconds, so that some are missing."""
    context = RecordingContext(label="", targets=(), properties={}, host="h", versions={})
    recorder = Hdf5Recorder(path, context)
    for number, one in enumerate(snapshots):
        recorder.write(one if hole else replace(one, poll=number))
    recorder.close()
    with open_recording([path]) as recording:
        shown = recording.select(**chosen) if chosen else recording  # type: ignore[arg-type]
        polls = Polls(shown)
        return recorded_verdict(shown, polls, Choice(shown, polls))


class System:
    """Two subscribers of one publisher; what happens to them is drawn at every poll."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._totals = [[0, 0, 0], [0, 0, 0]]
        self._number = 0
        self._last: list[ServerRecord | None] = [None, None]
        # Few kinds of trouble a history, so that every level comes up.
        self._trouble = self._random.sample(range(7), self._random.choice((0, 0, 1, 1, 2, 7)))

    def poll(self) -> Snapshot:
        seconds, self._number = 10 * self._number, self._number + 1
        servers = [self._subscriber(index, seconds) for index in range(2)]
        rows = [one.subscriptions[0] for one in servers]
        unseen = self._random.choice(list(Unseen)) if self._happens(3) else Unseen.NOT_TOLD
        streams = (structs.replace(stream(), unseen=unseen),)
        counts = Counts(
            missed=sum(row.missed_total for row in rows),
            unaccounted=sum(row.unaccounted_total for row in rows),
            overdue_unknown=sum(row.overdue is None for row in rows),
            unseen_streams=int(unseen is not Unseen.NOT_TOLD),
        )
        return snapshot(*servers, self._publisher(streams), seconds=seconds, counts=counts)

    def _happens(self, trouble: int) -> bool:
        return trouble in self._trouble and self._number > 1 and self._random.random() < 0.5

    def _subscriber(self, index: int, seconds: int) -> ServerRecord:
        last = self._last[index]
        if last is not None and self._happens(6):
            return self._spared(last)
        row, retried = self._row(index, seconds), self._retried()
        self._last[index] = answered = server(
            f"tango://h:1/dserver/slow/{index}",
            row,
            not_connected=retried,
            counts=Counts(disconnected=len(retried)),
        )
        return answered

    def _spared(self, last: ServerRecord) -> ServerRecord:
        """It was not asked, since its answers take long: what it last told stays."""
        (row,) = last.subscriptions
        still = structs.replace(
            row, missed_delta=0, unaccounted_delta=0, received_delta=0, lost_since_utc_ns=None, cause=""
        )
        return structs.replace(last, age_seconds=10.0, asked_every=3, subscriptions=(still,))

    def _row(self, index: int, seconds: int) -> SubscriptionRecord:
        missed = self._random.randint(1, 5) if self._happens(0) else 0
        unaccounted = self._random.randint(1, 5) if self._happens(1) else 0
        totals = self._totals[index]
        totals[0] += missed
        totals[1] += unaccounted
        totals[2] += 10
        lost = bool(missed or unaccounted)
        return subscription(
            publisher=PUBLISHER,
            missed_total=totals[0],
            missed_delta=missed,
            missed_at_least=bool(missed),
            unaccounted_total=totals[1],
            unaccounted_delta=unaccounted,
            received_total=totals[2],
            received_delta=10 if seconds else 0,
            overdue=self._random.choice((0, 7, 9, None)) if self._happens(2) else 0,
            lost_since_utc_ns=BEGIN_UTC_NS + (seconds - 13) * SECOND if lost else None,
            cause="burst" if lost else "",
        )

    def _retried(self) -> tuple[object, ...]:
        return (disconnected(),) if self._happens(4) else ()

    def _publisher(self, streams: tuple[StreamRecord, ...]) -> ServerRecord:
        doubtful = sum(one.unseen is not Unseen.NOT_TOLD for one in streams)
        counts = Counts(unseen_streams=doubtful)
        if not self._happens(5):
            return server(PUBLISHER, streams=streams, counts=counts)
        failure = self._random.choice((Failure.REFUSED, Failure.SILENT, Failure.REPLY, Failure.DATABASE))
        state = ServerState.FAILING if failure is Failure.REPLY else ServerState.UNREACHABLE
        age = self._random.choice((5.0, 25.0))
        return server(
            PUBLISHER, state=state, failure=failure, age_seconds=age, streams=streams, counts=counts
        )


@pytest.mark.parametrize("seeds", [range(start, start + 8) for start in (0, 8, 16)])
def test_a_recording_is_judged_as_it_was_live(tmp_path: Path, seeds: range) -> None:
    levels = set()
    for seed in seeds:
        system = System(seed)
        polls = [system.poll() for _ in range(seed % 5 + 2)]
        live = judged(*polls, hold_seconds=float("inf"))
        found = recorded(tmp_path / f"{seed}.h5", *polls)
        assert found.level is live.level, seed
        for name in ("missed", "unaccounted", "at_least", "overdue", "overdue_unknown", "losers", "coverage"):
            assert getattr(found, name) == getattr(live, name), (seed, name)
        by_name = sorted(found.losses, key=lambda loss: loss.server)
        assert [structs.replace(loss, received=None) for loss in by_name] == [
            structs.replace(loss, received=None) for loss in sorted(live.losses, key=lambda loss: loss.server)
        ]
        assert sorted(one.why for one in found.waiting) == sorted(one.why for one in live.waiting), seed
        levels.add(found.level)
    assert len(levels) > 1


@pytest.mark.parametrize(("answers", "level"), [(1, Level.UNKNOWN), (2, Level.WAITING)])
def test_a_server_that_is_spared_waits_by_its_own_answers(tmp_path: Path, answers: int, level: Level) -> None:
    """The polls in which it was not asked show again what it told before."""
    row = subscription(overdue=7)
    spared = structs.replace(server("a", row), age_seconds=10.0, asked_every=3)
    story = [server("a", subscription())] + answers * [server("a", row), spared, spared]
    polls = [snapshot(one, seconds=10 * number) for number, one in enumerate(story)]
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "spared.h5", *polls)
    assert (live.level, found.level) == (level, level)


@pytest.mark.parametrize(("waits", "level"), [((7, 0, 7), Level.UNKNOWN), ((0, 7, 7), Level.WAITING)])
def test_only_polls_in_a_row_are_waiting(tmp_path: Path, waits: tuple[int, ...], level: Level) -> None:
    rows = [subscription(), *(subscription(overdue=overdue) for overdue in waits)]
    polls = [snapshot(server("a", row), seconds=10 * number) for number, row in enumerate(rows)]
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "in-turn.h5", *polls)
    assert (live.level, found.level) == (level, level)


def test_of_what_has_ended_nothing_is_unknown(tmp_path: Path) -> None:
    ended = subscription("a/b/c/y.idl5_change", ended=True, overdue=None)
    polls = [snapshot(server("a", subscription(), ended), seconds=seconds) for seconds in range(3)]
    assert recorded(tmp_path / "ended.h5", *polls).overdue_unknown == 0


def test_what_ended_in_the_span_is_known_live_and_in_a_recording(tmp_path: Path) -> None:
    ended = structs.replace(subscription(), ended=True)
    polls = [snapshot(server("a", row), seconds=n) for n, row in enumerate((subscription(), ended, ended))]
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "ended.h5", *polls)
    assert live.level is found.level is Level.CLEAR
    assert live.coverage == found.coverage


def test_what_a_removed_target_waited_for_is_unknown_live_and_in_a_recording(tmp_path: Path) -> None:
    waits, rest = server("a", subscription(overdue=7)), server("b", subscription())
    left = Counts(overdue_unknown=1)
    polls = [
        snapshot(waits, rest),
        replace(snapshot(rest, seconds=1, counts=left), departed=left),
        replace(snapshot(rest, seconds=2, counts=left), departed=left),
    ]
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "removed.h5", *polls)
    assert live.level is found.level is Level.UNKNOWN
    assert live.overdue_unknown == found.overdue_unknown == 1


def test_time_in_which_nothing_counted_is_the_same_live_and_in_a_recording(tmp_path: Path) -> None:
    late = subscription("a/b/c/y.idl5_change", blind_seconds=3.0)  # appears with the last poll alone
    polls = []
    for seconds, (one, others) in enumerate((((2.0,), ()), ((2.0,), ()), ((9.0,), (late,)))):
        counts = Counts(blind_seconds=sum(one) + 3.0 * len(others))
        row = server("a", subscription(blind_seconds=one[0]), *others, counts=counts)
        polls.append(snapshot(row, seconds=seconds, counts=counts))
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "blind.h5", *polls)
    assert live.uncovered == found.uncovered
    (ground,) = found.uncovered
    assert (ground.why, ground.number, ground.seconds) == (Why.BLIND, 2, 7.0)
    assert recorded(tmp_path / "quiet.h5", *polls[:2]).level is Level.CLEAR


def test_what_was_lost_from_before_monitoring_is_told_beside_the_all_clear(tmp_path: Path) -> None:
    polls = [
        snapshot(
            server("a", subscription(missed_before=lost), counts=Counts(missed_before=lost)),
            seconds=n,
            counts=Counts(missed_before=lost),
        )
        for n, lost in enumerate((0, 1102, 1102))
    ]
    live = judged(*polls, hold_seconds=float("inf"))
    found = recorded(tmp_path / "before.h5", *polls)
    assert live.level is found.level is Level.CLEAR
    assert live.missed_before == found.missed_before == 1102
    assert ", but 1,102 events pushed before monitoring began were lost; known" in sentence(found)


def test_a_time_span_counts_its_own_losses(tmp_path: Path) -> None:
    lossy = subscription(missed_total=5, missed_delta=5, lost_since_utc_ns=BEGIN_UTC_NS)
    later = subscription(missed_total=5)
    polls = [
        snapshot(server("a", row), seconds=10 * number)
        for number, row in enumerate((subscription(), lossy, later, later, later))
    ]
    assert recorded(tmp_path / "all.h5", *polls).missed == 5
    end = recorded(tmp_path / "end.h5", *polls, start="2023-11-14T22:13:39Z")
    assert (end.level, end.missed) == (Level.CLEAR, 0)


def test_the_share_of_a_recording_is_that_of_the_loser(tmp_path: Path) -> None:
    lossy = subscription(missed_total=5, missed_delta=5, received_total=15, received_delta=15)
    (loss,) = recorded(
        tmp_path / "r.h5", snapshot(server("a", subscription())), snapshot(server("a", lossy), seconds=10)
    ).losses
    assert loss.share == 0.25


def test_a_recording_with_a_hole_is_not_clear(tmp_path: Path) -> None:
    polls = [snapshot(server("a", subscription()), seconds=seconds) for seconds in (0, 1, 2, 9, 10)]
    verdict = recorded(tmp_path / "hole.h5", *polls, hole=True)
    assert verdict.level is Level.UNKNOWN
    assert [finding.why for finding in verdict.uncovered] == [Why.UNCOUNTED_TIME]
