"""Views by time, server, stream and run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.errors import OptionError
from stem_device.model.mark import Mark, MarkKind
from stem_device.reading import Recording
from stem_device.reading.patterns import matching, sampled_attribute
from stem_device.reading.times import utc_ns
from tests.unit.synthetic_recording import (
    HOST,
    Loss,
    Plan,
    Truth,
    attr_name,
    server_name,
    write_recording,
)

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

PERIOD_NS = 10 * 10**9
START = Plan.start_utc_ns


def mark(run: str, emitted_utc_ns: int, kind: MarkKind = MarkKind.MARK, name: str = "tested") -> Mark:
    return Mark(
        kind=kind,
        run=run,
        name=name,
        emitted_utc_ns=emitted_utc_ns,
        received_utc_ns=emitted_utc_ns + 1000,
        received_monotonic_ns=5,
    )


def at(polls: float) -> int:
    """When so many periods have passed."""
    return START + round(polls * PERIOD_NS)


PLAN = Plan(
    polls=24,
    samples=40,
    losses=(Loss(5, 2, 2, 7), Loss(9, 1, 1, 3)),
    polls_a_file=10,
    marks={
        4: (mark("one", at(4.5), MarkKind.BEGIN, "begin"),),
        8: (mark("one", at(7.5)), mark("late", at(3.5)), mark("other", at(8.1))),
        15: (mark("one", at(12.0), MarkKind.END, "end"),),
    },
)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("select") / "a.h5", PLAN)


@pytest.fixture
def recording(truth: Truth):
    with open_recording(truth.paths) as recording:
        yield recording


def polls_of(view: Recording) -> list[int]:
    """Numbers of the polls from 0."""
    return (view["polls"]["poll"] - 1000).tolist()


@pytest.mark.parametrize(
    ("start", "end", "polls"),
    [
        (at(3), at(6), [3, 4, 5]),
        (at(2.5), at(5.5), [3, 4, 5]),
        (None, at(2), [0, 1]),
        (at(22), None, [22, 23]),
        (at(8), at(12), [8, 9, 10, 11]),
        (at(100), None, []),
        (at(4), at(4), []),
    ],
)
def test_by_time(
    recording: Recording, truth: Truth, start: int | None, end: int | None, polls: list[int]
) -> None:
    view = recording.select(start=start, end=end)
    assert polls_of(view) == polls
    np.testing.assert_array_equal(view["subscriptions"]["missed_delta"], truth.missed[polls].ravel())
    own = np.isin(truth.subscriber_samples["poll"], polls)
    samples = view["subscriber_samples"]
    np.testing.assert_array_equal(samples["process_micros"], truth.subscriber_samples["process_micros"][own])
    np.testing.assert_array_equal(samples["poll"] - 1000, truth.subscriber_samples["poll"][own])
    np.testing.assert_array_equal(view["polls"]["poll"][samples.poll_rows()], samples["poll"])
    # The whole is as it was.
    assert len(recording["polls"]) == PLAN.polls


def test_a_poll_counts_for_a_view_if_it_counts_for_the_whole(recording: Recording) -> None:
    assert recording.select(end=at(3))["polls"]["counted"].tolist() == [False, True, True]
    assert recording.select(start=at(2), end=at(4))["polls"]["counted"].tolist() == [True, True]
    assert recording.select(start=at(10), end=at(12))["polls"]["counted"].tolist() == [True, True]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-22T04:00:30Z",
        "2026-11-22T04:00:30",
        "2026-11-22 05:00:30+01:00",
        datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC),
        datetime(2026, 11, 22, 4, 0, 30),
        datetime(2026, 11, 22, 3, 0, 30, tzinfo=timezone(timedelta(hours=-1))),
        np.datetime64("2026-11-22T04:00:30"),
        np.int64(at(3)),
        at(3),
    ],
    ids=str,
)
def test_moments(recording: Recording, moment: Any) -> None:
    assert polls_of(recording.select(start=moment, end=at(5))) == [3, 4]


def test_moments_are_exact() -> None:
    assert utc_ns("start", "1970-01-01T00:00:00.000001Z") == 1000
    assert utc_ns("start", "2026-11-22T04:00:00.123456Z") == START + 123_456_000
    assert utc_ns("start", np.datetime64(START + 1, "ns")) == START + 1
    pandas = pytest.importorskip("pandas")
    assert utc_ns("start", pandas.Timestamp(START + 123_456_789, tz="UTC")) == START + 123_456_789


@pytest.mark.parametrize(
    "moment",
    ["yesterday", "", True, 1.5, np.datetime64("NaT", "ns"), pytest.param(object(), id="object")],
    ids=str,
)
def test_moments_that_are_none(recording: Recording, moment: object) -> None:
    with pytest.raises(OptionError, match=r"start: must be ISO 8601 as 2026-11-22T04:15:30Z"):
        recording.select(start=moment)  # type: ignore[arg-type]


def test_an_end_before_the_start(recording: Recording) -> None:
    with pytest.raises(OptionError, match="end: must not be before the start"):
        recording.select(start=at(3), end=at(2))


@pytest.mark.parametrize(
    ("patterns", "servers"),
    [
        ("dserver/motion/001", [1]),
        ("DServer/Motion/001", [1]),
        (f"{HOST}dserver/motion/001", [1]),
        ("dserver/*/00[12]", [1, 2]),
        (["*/000", "*/003"], [0, 3]),
        ("tango://*", [0, 1, 2, 3]),
        (["*/000", "*/00?"], [0, 1, 2, 3]),
    ],
    ids=str,
)
def test_by_server(
    recording: Recording, truth: Truth, patterns: str | Sequence[str], servers: list[int]
) -> None:
    view = recording.select(servers=patterns)
    names = {server_name(server) for server in servers}
    for table in (
        "servers",
        "streams",
        "subscriptions",
        "channels",
        "publisher_samples",
        "subscriber_samples",
    ):
        assert set(view[table]["server"]) == names, table
    np.testing.assert_array_equal(view["subscriptions"]["missed_delta"], truth.missed[:, servers].ravel())
    own = np.isin(truth.subscriber_samples["server"], servers)
    samples = view["subscriber_samples"]
    for column in ("process_micros", "attr_name", "discarded"):
        np.testing.assert_array_equal(samples[column], truth.subscriber_samples[column][own])
    np.testing.assert_array_equal(view["polls"]["poll"][samples.poll_rows()], samples["poll"])
    assert len(view["polls"]) == PLAN.polls
    assert len(view["problems"]) == len(recording["problems"]) > 0


def test_by_stream(recording: Recording, truth: Truth) -> None:
    pattern = "lab/axis/00[01]/position03*"
    view = recording.select(streams=pattern)
    wanted = [name for own in truth.streams for name in own if fnmatchcase(name, f"{HOST}{pattern}")]
    assert len(wanted) == 2
    assert set(view["streams"]["stream"]) == set(view["subscriptions"]["stream"]) == set(wanted)
    attributes = truth.subscriber_samples["attr_name"]
    assert set(view["subscriber_samples"]["attr_name"]) == {attr_name(wanted[0])}
    assert len(attr_name(wanted[0])) == 31
    assert len(view["subscriber_samples"]) == np.count_nonzero(attributes == attr_name(wanted[0]))
    assert len(view["publisher_samples"]) == len(truth.publisher_samples["server"])


def test_subscriptions_by_topic(recording: Recording, truth: Truth) -> None:
    view = recording.select(streams="*/position01.idl5_change")
    assert set(view["subscriptions"]["topic"]) == {name for own in truth.topics for name in own[1:2]}
    assert len(view["streams"]) == 0


def test_views_of_views(recording: Recording, truth: Truth) -> None:
    view = recording.select(servers=["*/001", "*/002"]).select(servers=["*/002", "*/003"])
    view = view.select(start=at(3)).select(end=at(7)).select(streams="*/position02.*")
    rows = view["subscriptions"]
    assert set(rows["server"]) == {server_name(2)}
    assert rows["missed_delta"].tolist() == truth.missed[3:7, 2, 2].tolist()
    assert sum(rows["missed_delta"]) == 7
    assert view["subscriber_samples"]["server"].tolist() == [server_name(2)] * len(view["subscriber_samples"])
    assert view.names is recording.names
    assert view.sources is recording.sources


def test_by_run(recording: Recording) -> None:
    view = recording.select(run="one")
    assert view["marks"]["name"].tolist() == ["begin", "tested", "end"]
    assert view["marks"]["time_utc_ns"].tolist() == [at(4.5), at(7.5), at(12)]
    # Events between 4.5 and 12 are told by the polls 5 to 12.
    assert polls_of(view) == list(range(5, 13))
    # Later than the last mark: the poll that tells of the events up to it.
    assert polls_of(recording.select(run="late")) == [4]
    assert polls_of(recording.select(run="other")) == [9]
    assert polls_of(view.select(run="other")) == [9]
    assert len(view.select(run="other")["marks"]) == 0


def test_a_run_whose_span_ends_with_a_poll_between_two_files(recording: Recording) -> None:
    view = recording.select(start=at(9), end=at(12)).select(run="one")
    assert polls_of(view) == [9, 10, 11]


def test_marks_by_time(recording: Recording) -> None:
    marks = recording.select(start=at(4), end=at(8))["marks"]
    assert marks["time_utc_ns"].tolist() == [at(4.5), at(7.5)]
    assert recording["marks"]["kind"].tolist() == ["begin", "mark", "mark", "mark", "end"]
    assert recording["marks"]["iteration"].tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"servers": "dserver/motoin/*"},
            r"servers: no name in the recording matches; it has the servers "
            r"dserver/motion/000, dserver/motion/001, .* \(the value is 'dserver/motoin/\*'\)",
        ),
        ({"servers": ["*", "nothing"]}, r"servers: no name .* \(the value is 'nothing'\)"),
        ({"streams": "lab/axis/9*"}, r"streams: no name in the recording matches"),
        ({"run": "two"}, r"run: the recording has no marks of it; it has the runs late, one, other "),
    ],
    ids=str,
)
def test_what_nobody_meant(recording: Recording, given: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        recording.select(**given)


def test_no_pattern_is_no_server(recording: Recording) -> None:
    assert len(recording.select(servers=[])["servers"]) == 0


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("tango://host:10000/a/b/c/Position.change", "position"),
        ("a/b/c/position.idl5_change", "position"),
        ("tango://host:0/a/b/c/position#dbase=no.archive", "position"),
        ("tango://host:0/a/b/c/" + "x" * 40 + ".change", "x" * 31),
        ("tango://host:10000/a/b/c.intr_change", None),
        ("tango://host:10000/dserver/a/b", None),
        ("it does not answer; a/b/c is. x", None),
        ("", None),
    ],
)
def test_how_samples_call_an_attribute(name: str, attribute: str | None) -> None:
    assert sampled_attribute(name) == attribute


def test_no_patterns_match_nothing() -> None:
    assert matching(["a", ""], ()).tolist() == [False, False]
    assert matching(["a", ""], ("*",)).tolist() == [True, True]
