"""Snapshots come back as they were recorded, field by field."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from stem_device import open_recording
from stem_device.model.limits import MAX_COUNT
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Failure, Identity, PollPhases, ServerState, TapFigures
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    NONE_DEPARTED,
    Counts,
    Link,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    SubscriberSamples,
    TelemetryRows,
    Timings,
    Unseen,
)
from stem_device.reading import snapshots as reading_snapshots
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.format import MAX_TEXT_CHARACTERS
from tests.unit.plain_records import SERVER, STREAM, SUBSCRIPTION
from tests.unit.same_snapshots import assert_same
from tests.unit.synthetic_recording import Loss, Outage, Plan, synthetic_snapshots, write_recording

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

PLAN = Plan(polls=20, samples=30, losses=(Loss(5, 2, 2, 7),), outages=(Outage(4, 3, 3),), polls_a_file=7)


@pytest.mark.parametrize("block_rows", [1, 1000, 10**9])
def test_in_blocks_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_rows: int) -> None:
    monkeypatch.setattr(reading_snapshots, "_BLOCK_ROWS", block_rows)
    truth = write_recording(tmp_path / "a.h5", PLAN)
    with open_recording(truth.paths) as recording:
        assert_same(list(recording.snapshots()), list(synthetic_snapshots(PLAN)))


def test_they_come_while_the_file_is_read(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", PLAN)
    with open_recording(truth.paths) as recording:
        first = list(islice(recording.snapshots(), 3))
    assert_same(first, list(synthetic_snapshots(PLAN))[:3])


def test_of_a_view(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", PLAN)
    made = list(synthetic_snapshots(PLAN))
    with open_recording(truth.paths) as recording:
        view = recording.select(start=int(truth.time_utc_ns[5]), end=int(truth.time_utc_ns[9]))
        assert_same(list(view.snapshots()), made[5:9])
        found = list(recording.select(servers="*/00[12]", streams="*/position01.*").snapshots())
    assert [one.poll for one in found] == [one.poll for one in made]
    for one, whole in zip(found, made, strict=True):
        assert_same(one.counts, whole.counts)
        assert [server.name for server in one.servers] == list(truth.servers[1:3])
        assert_same(one.servers[0].streams, whole.servers[1].streams[1:2])
        assert_same(one.servers[0].subscriptions, whole.servers[1].subscriptions[1:2])
        own = np.isin(whole.publisher_samples.server, [1, 2])
        assert_same(one.publisher_samples.server, whole.publisher_samples.server[own] - 1)
        assert set(one.subscriber_samples.attr_name) <= {"position01"}


COUNTS = st.integers(0, MAX_COUNT)
FLOATS = st.floats(-MAX_COUNT, MAX_COUNT) | st.just(math.nan)
# What could steer a terminal is replaced when it is read: see stem_device.text.
HARMFUL: Any = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
TEXTS = st.text(st.characters(exclude_categories=HARMFUL), max_size=300)
KINDS = st.sampled_from(["duration", "runtime"])
OPTIONAL_TEXTS = st.none() | TEXTS
COUNTS_RECORDS = st.lists(COUNTS, min_size=14, max_size=14).map(lambda counts: Counts(*counts))
ENDPOINTS = st.lists(st.from_regex(r"tcp://[0-9.]{1,15}:[0-9]{1,5}", fullmatch=True), max_size=3)

TAPS = st.builds(
    TapFigures,
    connected=st.booleans(),
    endpoint=TEXTS,
    pushed=st.none() | COUNTS,
    size=COUNTS,
    lost_here=COUNTS,
    heartbeat_age_seconds=st.none() | st.floats(0, 1e9),
    events_per_second=st.floats(0, 1e9),
)


@st.composite
def server_records(draw: st.DrawFn, name: str) -> ServerRecord:
    state = draw(st.sampled_from(ServerState))
    monitored = state.is_counted
    count = st.integers(0, 3)
    return structs.replace(
        SERVER,
        name=name,
        state=state,
        reason=draw(TEXTS),
        since_utc_ns=draw(COUNTS),
        age_seconds=draw(st.none() | st.floats(0, 1e9)),
        asked_utc_ns=draw(st.none() | COUNTS),
        asked_monotonic_ns=draw(st.none() | COUNTS),
        round_trip_seconds=draw(FLOATS),
        sampling=draw(st.booleans()),
        drained_by_others=draw(st.booleans()),
        asked_every=draw(st.integers(1, 600)),
        counts=draw(COUNTS_RECORDS),
        failure=draw(st.sampled_from(Failure)),
        identity=Identity(draw(COUNTS), draw(st.none() | COUNTS), draw(TEXTS), draw(COUNTS)),
        ended=draw(st.booleans()),
        followed=draw(st.booleans()),
        event_endpoints=tuple(draw(ENDPOINTS)),
        heartbeat_endpoints=tuple(draw(ENDPOINTS)),
        tap=draw(st.none() | TAPS),
        streams=tuple(
            structs.replace(
                STREAM,
                name=draw(TEXTS),
                pushed=draw(COUNTS),
                published_delta=draw(COUNTS),
                unseen=draw(st.sampled_from(Unseen)),
            )
            for _ in range(draw(count))
        ),
        subscriptions=tuple(
            structs.replace(
                SUBSCRIPTION,
                topic=draw(TEXTS),
                publisher=draw(TEXTS),
                last_resubscribed=draw(OPTIONAL_TEXTS),
                missed_at_least=draw(st.booleans()),
                missed_total=draw(COUNTS),
                overdue=draw(st.none() | COUNTS),
                unaccounted_total=draw(COUNTS),
                unaccounted_delta=draw(st.integers(-MAX_COUNT, MAX_COUNT)),
                missed_before=draw(COUNTS),
                unobserved_total=draw(COUNTS),
                lag_seconds=draw(st.none() | st.floats(0, 1e9)),
                lost_since_utc_ns=draw(st.none() | COUNTS),
                first_seen_utc_ns=draw(COUNTS),
                link=draw(st.sampled_from(Link)),
                ended=draw(st.booleans()),
                cause=draw(TEXTS),
                blind_seconds=draw(st.floats(0, 1e9)),
            )
            for _ in range(draw(count))
        ),
        channels=draw(st.dictionaries(TEXTS, TEXTS, max_size=3)),
        not_connected=tuple(
            NotConnected(draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(OPTIONAL_TEXTS))
            for _ in range(draw(count))
        ),
        texts=() if monitored else tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@st.composite
def snapshots(draw: st.DrawFn, number: int) -> Snapshot:
    names = draw(st.lists(TEXTS, max_size=3, unique=True))
    rows = draw(st.integers(0, 5)) if names else 0

    def integers(strategy: st.SearchStrategy[int] = COUNTS) -> np.ndarray:
        return np.array(draw(st.lists(strategy, min_size=rows, max_size=rows)), dtype=np.int64)

    def floats() -> np.ndarray:
        return np.array(draw(st.lists(FLOATS, min_size=rows, max_size=rows)), dtype=np.float64)

    def servers() -> np.ndarray:
        return np.sort(integers(st.integers(0, max(len(names) - 1, 0))))

    return Snapshot(
        poll=number,
        time_utc_ns=draw(COUNTS),
        monotonic_ns=draw(COUNTS),
        duration_seconds=draw(FLOATS),
        spread_seconds=draw(FLOATS),
        overruns_total=draw(COUNTS),
        monitoring_since_utc_ns=draw(COUNTS),
        counts=draw(COUNTS_RECORDS),
        departed=draw(st.just(NONE_DEPARTED) | COUNTS_RECORDS),
        verdict=draw(TEXTS),
        published_rate=draw(FLOATS),
        received_rate=draw(FLOATS),
        sample_coverage=draw(FLOATS),
        phases=PollPhases(*draw(st.lists(FLOATS, min_size=6, max_size=6))),
        timings=Timings(*draw(st.lists(FLOATS, min_size=4, max_size=4))),
        servers=tuple(draw(server_records(name)) for name in names),
        publisher_samples=PublisherSamples(servers(), floats(), integers()),
        subscriber_samples=SubscriberSamples(
            server=servers(),
            attr_name=tuple(draw(st.lists(TEXTS, min_size=rows, max_size=rows))),
            event_type=tuple(draw(st.lists(OPTIONAL_TEXTS, min_size=rows, max_size=rows))),
            micros_since_last_event=floats(),
            sleep_micros=integers(),
            process_micros=integers(),
            first_callback_latency_micros=floats(),
            callback_count=integers(),
            wake_count=integers(),
            discarded=integers(st.integers(0, 1)).astype(np.bool_),
        ),
        problems=tuple(draw(st.lists(TEXTS, max_size=2))),
        telemetry=TelemetryRows(
            at_utc_ns=integers(),
            value=floats(),
            label=tuple(draw(st.lists(TEXTS, min_size=rows, max_size=rows))),
            kind=tuple(
                draw(st.lists(st.sampled_from(["duration", "runtime"]), min_size=rows, max_size=rows))
            ),
            pid=integers(),
        ),
        outlets=tuple(
            draw(st.lists(st.builds(OutletHealth, TEXTS, COUNTS, COUNTS, COUNTS, COUNTS, TEXTS), max_size=2))
        ),
    )


@settings(max_examples=10, deadline=None)
@given(made=st.tuples(snapshots(5), snapshots(6), snapshots(9)), closed=st.booleans())
def test_whatever_is_recorded_comes_back(
    made: tuple[Snapshot, ...], closed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    try:
        for snapshot in made:
            recorder.write(snapshot)
        if closed:
            recorder.close()
        with open_recording(path) as recording:
            assert_same(tuple(recording.snapshots()), made)
    finally:
        recorder.close()
        path.unlink()


def test_what_is_not_recorded(tmp_path: Path) -> None:
    (plain,) = synthetic_snapshots(Plan(polls=1, servers=2))
    failing = structs.replace(
        plain.servers[1],
        state=ServerState.FAILING,
        texts=("\u00e4\0\ud800x", "y" * (MAX_TEXT_CHARACTERS + 1)),
    )
    monitored = structs.replace(plain.servers[0], texts=("{}",))
    recorder = Hdf5Recorder(tmp_path / "a.h5", RecordingContext())
    recorder.write(replace(plain, servers=(monitored, failing)))
    recorder.close()
    with open_recording(tmp_path / "a.h5") as recording:
        (found,) = recording.snapshots()
        assert recording["texts"]["text"].tolist() == list(found.servers[1].texts)
    assert found.servers[0].texts == ()
    assert found.servers[1].texts == ("\u00e4\ufffd?x", "y" * MAX_TEXT_CHARACTERS)
