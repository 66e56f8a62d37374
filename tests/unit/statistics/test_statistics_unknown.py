"""What is not known is said to be unknown, and what ended still counts."""

from __future__ import annotations

import lzma
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from stem_device import open_recording
from stem_device.errors import NoPollError
from stem_device.model.snapshot import Snapshot, SubscriptionRecord
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.layout import Part
from stem_device.statistics import Kind, Verdict, compare, summarise
from stem_device.statistics.bursts import Bursts, too_short
from tests.unit.synthetic_recording import START_MONOTONIC_NS, START_UTC_NS, Plan, synthetic_snapshots

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

PLAN = Plan(polls=24, servers=2, streams=2, subscriptions=2, samples=0, period_seconds=1.0)
OLD = Path(__file__).parents[2] / "data" / "recording-1.1.h5.xz"
Change = Callable[[int, SubscriptionRecord], dict[str, Any]]


def changed(snapshot: Snapshot, number: int, change: Change) -> Snapshot:
    """The first subscription of the first server is another one."""
    first, *others = snapshot.servers
    row, *rows = first.subscriptions
    row = structs.replace(row, **change(number, row))
    return replace(snapshot, servers=(structs.replace(first, subscriptions=(row, *rows)), *others))


def record(path: Path, change: Change, polls: int = PLAN.polls) -> Path:
    recorder = Hdf5Recorder(
        path,
        RecordingContext(),
        part=Part("0d4d1f6e-3a55-4f0c-9d0f-6a3b6c1e0003", 1, START_UTC_NS, START_MONOTONIC_NS, START_UTC_NS),
    )
    for number, snapshot in enumerate(synthetic_snapshots(replace(PLAN, polls=polls))):
        recorder.write(changed(snapshot, number, change))
    recorder.close()
    return path


def test_an_ended_subscription_stays_in_the_sums_and_leaves_the_numbers(tmp_path: Path) -> None:
    def end(number: int, _: SubscriptionRecord) -> dict[str, Any]:
        delta = {10: 9, 15: -2}.get(number, 0)
        return {"unaccounted_delta": delta, "ended": number >= 10, "overdue": None if number >= 10 else 4}

    with open_recording(record(tmp_path / "a.h5", end)) as recording:
        found = summarise(recording)
    assert found.totals.counts.unaccounted == 7
    assert (found.totals.subscriptions, found.totals.ended) == (4, 1)
    assert found.totals.counts.overdue_unknown == 0
    assert found.totals.counts.worst_overdue == 4
    worst = found.subscriptions[0]
    assert (worst.counts.unaccounted, worst.ended) == (7, True)
    assert found.servers[0].counts.unaccounted == 7


def test_one_that_ended_before_is_no_subscription_of_the_recording(tmp_path: Path) -> None:
    with open_recording(
        record(tmp_path / "a.h5", lambda *_: {"ended": True, "topic": "(others)"})
    ) as recording:
        found = summarise(recording)
    assert (found.totals.subscriptions, found.totals.ended) == (3, 1)


def test_what_a_followed_server_published_is_in_the_sum_as_it_was_live(tmp_path: Path) -> None:
    path = tmp_path / "followed.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    for one in synthetic_snapshots(PLAN):
        first, *others = one.servers
        recorder.write(replace(one, servers=(structs.replace(first, followed=True), *others)))
    recorder.close()
    with open_recording(path) as recording, open_recording(record(tmp_path / "a.h5", lambda *_: {})) as own:
        followed, all_own = summarise(recording).totals, summarise(own).totals
    assert (followed.servers, followed.followed, followed.streams) == (1, 1, 2)
    assert followed.counts.published == all_own.counts.published
    assert followed.counts.published


def test_overdue_that_is_unknown_is_counted_by_subscription(tmp_path: Path) -> None:
    with open_recording(record(tmp_path / "a.h5", lambda *_: {"overdue": None})) as recording:
        found = summarise(recording)
    assert (found.totals.counts.overdue, found.totals.counts.overdue_unknown) == (0, 1)
    (one,) = (row for row in found.subscriptions if row.counts.overdue_unknown)
    assert one.counts.overdue is None


def test_what_an_older_file_does_not_tell_is_none(tmp_path: Path) -> None:
    old = tmp_path / "old.h5"
    old.write_bytes(lzma.decompress(OLD.read_bytes()))
    new = record(tmp_path / "new.h5", lambda *_: {})
    with open_recording(old) as before, open_recording(new) as after, open_recording([old, new]) as both:
        assert summarise(before).totals.counts.unaccounted is None
        assert summarise(before).totals.counts.missed == 7
        assert summarise(after).totals.counts.unaccounted == 0
        assert summarise(both).totals.counts.unaccounted is None
        pytest.importorskip("scipy")
        found = compare(before, after)
        assert (found.a.unaccounted, found.b.unaccounted) == (None, 0)


def test_a_selection_without_a_poll_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    with open_recording(record(tmp_path / "a.h5", lambda *_: {})) as recording:
        view = recording.select(start=START_UTC_NS + 10**17)
        with pytest.raises(NoPollError, match=r"no poll is selected: there are 24 polls from 2026-.* in a"):
            summarise(view)


def cycle(seconds: int) -> Change:
    """Two polls of every so many lose events."""
    return lambda number, _: {"missed_delta": 30 if number % seconds < 2 else 0}


def test_a_recording_shorter_than_the_pattern_of_losses_is_no_evidence(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    long = record(tmp_path / "long.h5", cycle(12), polls=90)
    short = record(tmp_path / "short.h5", lambda *_: {}, polls=10)
    with open_recording(long) as a, open_recording(short) as b:
        found = compare(a, b)
        assert (found.a.bursts, found.a.burst_interval_seconds) == (8, 12.0)
        assert math.isnan(found.b.burst_interval_seconds)
        (caveat,) = found.caveats
        assert caveat.startswith("Losses come every 12 s, and B covers 9 s: that is no evidence.")
        assert {one.verdict for one in found.overall if one.kind is Kind.MISSED} == {Verdict.UNKNOWN}
        assert compare(a, a).caveats == ()


def test_unaccounted_and_overdue_at_the_end_fail_as_missed(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    quiet = record(tmp_path / "quiet.h5", lambda *_: {})
    gone = record(tmp_path / "gone.h5", lambda number, _: {"unaccounted_delta": 5 * (number == 8)})
    late = record(tmp_path / "late.h5", lambda number, _: {"overdue": 3 * (number == PLAN.polls - 1)})
    with open_recording(quiet) as a, open_recording(gone) as b, open_recording(late) as c:
        assert [one.kind for one in compare(a, b).failed(Kind.MISSED)] == [Kind.UNACCOUNTED]
        assert not compare(a, b).overdue_appeared
        assert compare(a, c).failed(Kind.MISSED) == ()
        assert compare(a, c).overdue_appeared
        assert not compare(c, c).overdue_appeared
        assert compare(b, a).failed(Kind.MISSED) == ()


@pytest.mark.parametrize(("seconds", "short"), [(23.9, True), (24.0, False)])
def test_two_periods_are_enough(seconds: float, short: bool) -> None:
    pattern, other = Bursts(5, 12.0, 60.0), Bursts(0, math.nan, seconds)
    assert np.isfinite(too_short(other, pattern)) == short
    assert math.isnan(too_short(pattern, other))
    assert math.isnan(too_short(other, other))
