from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("h5py")

from msgspec import structs

from stem_device.errors import NoPollError
from stem_device.reading import Recording, open_recording
from stem_device.statistics import Statistics, summarise
from stem_device.statistics.distribution import describe
from stem_device.statistics.timing import TIMINGS
from tests.unit.statistics.altered_recording import altered, subscription
from tests.unit.synthetic_recording import Loss, Outage, Plan, Truth, write_recording

pytestmark = pytest.mark.extras

LOSSES = (
    Loss(poll=0, server=3, subscription=0, missed=9),
    Loss(poll=5, server=1, subscription=2, missed=30),
    Loss(poll=9, server=1, subscription=2, missed=4, gaps=2),
    Loss(poll=9, server=0, subscription=4, missed=8),
)
PLAN = Plan(polls=20, losses=LOSSES, outages=(Outage(poll=4, server=2, polls=3),))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("summary") / "night.h5", PLAN)


@pytest.fixture(scope="module")
def found(written: Truth) -> Statistics:
    with open_recording(written.paths) as recording:
        return summarise(recording)


def counts_of(found: Statistics) -> dict[str, tuple[int | None, ...]]:
    return {
        f"{one.server} {one.topic}": (one.counts.received, one.counts.missed, one.counts.gaps)
        for one in found.subscriptions
    }


def test_totals_are_what_was_written(written: Truth, found: Statistics) -> None:
    counts = found.totals.counts
    assert counts.published == written.published_total
    assert counts.received == written.received_total
    assert counts.missed == written.missed_total == 42
    assert counts.gaps == written.gaps_total == 4
    assert counts.published_rate == pytest.approx(written.published_total / 190)
    assert counts.missed_rate == pytest.approx(42 / 190)
    assert counts.loss_share == pytest.approx(42 / (42 + written.received_total))
    assert (found.totals.seconds, found.totals.polls) == (190, 20)
    assert (found.totals.servers, found.totals.streams, found.totals.subscriptions) == (4, 20, 20)


def test_every_subscription_and_stream(written: Truth, found: Statistics) -> None:
    sums = {name: getattr(written, name)[1:].sum(axis=0) for name in ("received", "missed", "gaps")}
    truth = {
        f"{server} {topic}": tuple(int(values[row, column]) for values in sums.values())
        for row, server in enumerate(written.servers)
        for column, topic in enumerate(written.topics[row])
    }
    assert counts_of(found) == truth
    published = written.published[1:].sum(axis=0)
    by_stream = {one.stream: one.counts for one in found.streams}
    for row, streams in enumerate(written.streams):
        for column, stream in enumerate(streams):
            assert by_stream[stream].published == published[row, column]
    for one in found.subscriptions:
        assert one.counts.published == by_stream[one.stream].published
        assert one.counts.missed == by_stream[one.stream].missed


def test_the_worst_come_first(written: Truth, found: Statistics) -> None:
    worst = found.subscriptions[0]
    assert (worst.server, worst.topic) == (written.servers[1], written.topics[1][2])
    assert (worst.counts.missed, worst.counts.gaps) == (34, 3)
    assert found.subscriptions[1].counts.missed == 8
    assert [one.server for one in found.servers[:2]] == [written.servers[1], written.servers[0]]
    assert found.streams[0].stream == written.subscribed[1][2]


def test_every_timing_overall_and_by_server(written: Truth, found: Statistics) -> None:
    samples = {
        "publisher_samples": written.publisher_samples,
        "subscriber_samples": written.subscriber_samples,
    }
    for timing in TIMINGS:
        columns = samples[timing.table]
        values = columns[timing.of.column]
        if timing.of.of_callbacks:
            values = np.where(columns["discarded"], np.nan, values)
        together = asdict(describe(values))
        assert asdict(found.timings[timing.name]) == pytest.approx(together, rel=1e-12)
        for one in found.servers:
            own = values[columns["server"] == written.servers.index(one.server)]
            assert repr(one.timings[timing.name]) == repr(describe(own))
    latency = written.subscriber_samples["first_callback_latency_micros"]
    known = latency[~np.isnan(latency)]
    assert len(known) < len(latency)
    assert found.timings["latency"].count == len(known)
    assert found.timings["latency"].p99 == pytest.approx(np.quantile(known, 0.99))


def test_servers_that_did_not_answer_are_told(written: Truth, found: Statistics) -> None:
    (silent,) = found.not_covered.silent_servers
    assert silent.server == written.servers[2]
    assert (silent.polls, silent.silent_polls, silent.silent_seconds) == (20, 3, 30)
    assert (silent.state, silent.reason) == ("unreachable", "it does not answer; see whether it runs")
    states = {one.server: one.states for one in found.servers}
    assert states[written.servers[2]] == pytest.approx({"monitored": 160 / 190, "unreachable": 30 / 190})
    assert states[written.servers[0]] == {"monitored": 1.0}
    assert {problem.polls for problem in found.not_covered.problems} == {1}


def test_files_of_one_recording_are_one(tmp_path: Path, found: Statistics) -> None:
    truth = write_recording(tmp_path / "a.h5", Plan(**{**plan_values(), "polls_a_file": 7}))
    assert len(truth.paths) == 3
    with open_recording(truth.paths) as recording:
        again = summarise(recording)
    assert counts_of(again) == counts_of(found)
    assert again.totals.counts == found.totals.counts
    assert len(again.sources) == 1


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", Plan(**{**plan_values(), "polls_a_file": 7}))
    with open_recording([truth.paths[0], truth.paths[2]]) as recording:
        found = summarise(recording)
    (gap,) = found.not_covered.long_intervals
    assert (gap.seconds, gap.polls_missing) == (80, 7)
    there = [*range(1, 7), *range(14, 20)]
    assert found.totals.counts.published == truth.published[there].sum()
    assert found.totals.seconds == 120


def test_a_selection_counts_its_polls_and_never_the_first_of_all(written: Truth) -> None:
    times = written.time_utc_ns
    with open_recording(written.paths) as recording:
        middle = summarise(recording.select(start=int(times[6]), end=int(times[10])))
        begin = summarise(recording.select(end=int(times[3])))
    assert middle.totals.counts.published == written.published[6:10].sum()
    assert middle.totals.counts.missed == 12
    assert middle.totals.seconds == 40
    assert begin.totals.counts.published == written.published[1:3].sum()
    assert begin.totals.seconds == 20


def test_a_selection_of_one_server(written: Truth) -> None:
    with open_recording(written.paths) as recording:
        found = summarise(recording.select(servers="dserver/motion/001"))
    assert found.totals.servers == 1
    assert found.totals.counts.missed == 34
    assert found.totals.counts.published == written.published[1:, 1].sum()
    assert found.timings["latency"].count == found.servers[0].timings["latency"].count


def plan_values(**more: Any) -> dict[str, Any]:
    return {name: getattr(PLAN, name) for name in Plan.__dataclass_fields__} | more


def two_monitors(tmp_path: Path, **other: object) -> tuple[Truth, Truth, Recording]:
    one = write_recording(tmp_path / "one.h5", PLAN)
    values = plan_values(recording_id="0d4d1f6e-3a55-4f0c-9d0f-6a3b6c1e0002", host="other", **other)
    two = write_recording(tmp_path / "two.h5", Plan(**values))
    return one, two, open_recording([*one.paths, *two.paths])


def test_what_two_monitors_saw_counts_once(tmp_path: Path) -> None:
    one, two, recording = two_monitors(tmp_path, polls=30, outages=(Outage(1, 1, 25), Outage(3, 2, 1)))
    with recording:
        found = summarise(recording)
    by_server = {server.server: server.counts for server in found.servers}
    # The second one has more polls, but one of its servers was silent for most of the time.
    for row, truth in ((0, two), (1, one), (2, two), (3, two)):
        assert by_server[one.servers[row]].published == truth.published[1:, row].sum()
        assert by_server[one.servers[row]].missed == truth.missed[1:, row].sum()
    left = {(left.server, found.sources[left.source].host) for left in found.not_covered.left_out}
    first, second = one.plan.host, "other"
    assert left == {(one.servers[row], second if row == 1 else first) for row in range(4)}
    assert found.totals.seconds == 290
    assert found.timings["push"].count == sum(server.timings["push"].count for server in found.servers)


def test_recordings_one_after_the_other_all_count(tmp_path: Path) -> None:
    later = PLAN.start_utc_ns + 3600 * 10**9
    one, two, recording = two_monitors(tmp_path, start_utc_ns=later, seed=2)
    with recording:
        found = summarise(recording)
    assert found.totals.counts.published == one.published_total + two.published_total
    assert found.totals.counts.missed == one.missed_total + two.missed_total
    assert found.totals.seconds == 380
    assert found.not_covered.left_out == ()
    assert found.not_covered.long_intervals == ()


def test_overdue_at_the_end_and_at_its_worst(tmp_path: Path) -> None:
    told: dict[int, list[int | None]] = {0: [0, 7, 3, 3], 1: [0, 0, 9, 0], 2: [None] * 4}

    def change(poll, record):
        if not record.name.endswith("000"):
            return record
        for row, values in told.items():
            record = subscription(record, row, overdue=values[poll])
        return record

    with altered(tmp_path / "a.h5", Plan(polls=4), change) as recording:
        found = summarise(recording)
    server = next(one for one in found.servers if one.server.endswith("000"))
    rows = [one for one in found.subscriptions if one.server == server.server]
    overdue = sorted(
        (one.counts.overdue, one.counts.worst_overdue) for one in rows if one.counts.worst_overdue
    )
    assert overdue == [(0, 9), (3, 7)]
    assert sum(one.counts.overdue is None for one in rows) == 1
    assert (server.counts.overdue, server.counts.worst_overdue) == (3, 12)
    assert (found.totals.counts.overdue, found.totals.counts.worst_overdue) == (3, 12)


def test_resets_discarded_and_lower_bounds_count_from_the_first_poll(tmp_path: Path) -> None:
    resets, discarded, bound = [4, 4, 6, 1], [2, 3, 3, 5], [False, False, True, True]

    def change(poll, record):
        if not record.name.endswith("001"):
            return record
        return subscription(
            record,
            0,
            resets_total=resets[poll],
            discarded_total=discarded[poll],
            missed_at_least=bound[poll],
        )

    with altered(tmp_path / "a.h5", Plan(polls=4), change) as recording:
        found = summarise(recording)
    (one,) = [one for one in found.subscriptions if one.counts.resets]
    # 4 -> 6 are two; then the totals were set back, and one came after that.
    assert (one.counts.resets, one.counts.discarded, one.counts.missed_at_least) == (3, 3, True)
    assert (found.totals.counts.resets, found.totals.counts.missed_at_least) == (3, True)
    assert sum(one.counts.missed_at_least for one in found.subscriptions) == 1


def test_coverage_of_samples_and_servers_that_were_not_sampled(tmp_path: Path) -> None:
    def change(poll, record):
        number = int(record.name[-3:])
        if number == 0:
            return structs.replace(record, sampled_events=200, publisher_samples=50, subscriber_samples=30)
        if number == 1:
            return structs.replace(record, sampling=poll >= 3, sampled_events=0)
        return structs.replace(record, sampled_events=40, drained_by_others=number == 2 and poll == 2)

    with altered(tmp_path / "a.h5", Plan(polls=5), change) as recording:
        found = summarise(recording)
    by_server = {int(one.server[-3:]): one.coverage for one in found.servers}
    assert (by_server[0].events, by_server[0].sampled, by_server[0].share) == (800, 320, 0.4)
    assert (by_server[1].events, by_server[1].sampled) == (0, 0)
    assert math.isnan(by_server[1].share)
    assert by_server[2].share == 1.0
    assert (found.totals.coverage.events, found.totals.coverage.sampled) == (1120, 640)
    told = {int(one.server[-3:]): one for one in found.not_covered.unsampled_servers}
    assert set(told) == {1, 2}
    assert (told[1].unsampled_share, told[1].drained_polls) == (0.5, 0)
    assert (told[2].unsampled_share, told[2].drained_polls) == (0.0, 1)


def test_polls_that_lie_far_apart_are_told(tmp_path: Path) -> None:
    truth = Plan(polls=12)
    skipped = {5, 6}
    with altered(tmp_path / "a.h5", truth, lambda _, record: record, lambda poll: poll not in skipped) as one:
        found = summarise(one)
    (gap,) = found.not_covered.long_intervals
    assert (gap.seconds, gap.polls_missing) == (30, 2)
    assert gap.end_utc_ns - gap.begin_utc_ns == 30 * 10**9


def test_one_poll_has_no_rates(tmp_path: Path) -> None:
    with altered(tmp_path / "a.h5", Plan(polls=1), lambda _, record: record) as recording:
        found = summarise(recording)
    assert found.totals.polls == 1
    assert found.totals.counts.published == found.totals.counts.missed == 0
    assert math.isnan(found.totals.counts.published_rate)
    assert len(found.servers) == 4


def test_no_poll_is_no_zero(tmp_path: Path) -> None:
    with (
        altered(tmp_path / "a.h5", Plan(polls=0), lambda _, record: record) as recording,
        pytest.raises(NoPollError, match=r"there is no poll: no poll was recorded in a\.h5"),
    ):
        summarise(recording)


def test_a_selection_without_a_poll_tells_what_there_is(tmp_path: Path) -> None:
    with (
        altered(tmp_path / "a.h5", Plan(polls=3, servers=1, samples=0), lambda _, one: one) as recording,
        pytest.raises(NoPollError, match="no poll is selected: there are 3 polls from 2026-11-22T04:00:00"),
    ):
        summarise(recording.select(start="2200-01-01T00:00:00Z"))
