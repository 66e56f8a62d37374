"""The plugin for pytest without Tango: counts, waiting, messages, and what it does to other tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stem_device.analysis.verdict import Level, Why
from stem_device.model.poll import ServerState
from stem_device.pytest_plugin import EventCount, pytest_assertrepr_compare
from stem_device.pytest_plugin.failures import CountersResetError, EventSourceError, NothingMonitoredError
from stem_device.pytest_plugin.monitored import MonitoredTest, monitored_test
from stem_device.pytest_plugin.observation import Observation, Server, Stream, Subscription, Totals, from_json

STREAM = "tango://db:1/lab/a/1/x.change"
PUBLISHER, SUBSCRIBER = "tango://db:1/dserver/pub/1", "tango://db:1/dserver/sub/1"


def seen(
    pushed: int,
    counter: int,
    missed: int = 0,
    overdue: int | None = 0,
    *,
    state: ServerState = ServerState.MONITORED,
    since: str = "begin",
    gone: int = 0,
) -> Observation:
    """One stream, one subscription that has come to event number ``counter`` of ``pushed``."""
    subscription = Subscription(
        topic=STREAM,
        stream=STREAM.replace("x.", "X."),
        publisher=PUBLISHER,
        server_counter=counter,
        received=counter - missed,
        missed=missed,
        missed_at_least=False,
        gaps=int(missed > 0),
        overdue=overdue,
    )
    servers = (
        Server(PUBLISHER, ServerState.MONITORED, "", (Stream(STREAM, pushed),), ()),
        Server(SUBSCRIBER, state, "it is down", (), (subscription,)),
    )
    totals = Totals(pushed, counter - missed, missed + gone, overdue or 0)
    return Observation(1, since, totals, servers)


class Source:
    """Tells one observation after the other, the last one for ever; remembers what it was told."""

    name = "the source"

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.observations = list(observations)
        self.polls = 0
        self.marks: list[tuple[str, dict[str, Any]]] = []

    def watch(self, targets: tuple[str, ...]) -> None:
        pass

    def poll(self) -> Observation:
        self.polls += 1
        return self.observations.pop(0) if len(self.observations) > 1 else self.observations[0]

    def begin(self, run: str, **told: Any) -> None:
        self.mark(run, "begin", **told)

    def mark(self, run: str, name: str, **told: Any) -> None:
        assert run == "run"
        self.marks.append((name, told))

    def end(self, run: str, **told: Any) -> None:
        self.mark(run, "end", **told)

    def close(self) -> None:
        pass


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def begun(*observations: Observation) -> tuple[MonitoredTest, Source]:
    source, clock = Source(observations), Clock()
    test = MonitoredTest(source, "run", {}, settle_seconds=5, monotonic=clock.monotonic, sleep=clock.sleep)
    test.begin()
    return test, source


def test_what_was_there_before_the_test_does_not_count() -> None:
    test, _ = begun(seen(100, 90, missed=7), seen(150, 150, missed=9))
    assert (test.missed, test.published, test.received) == (2, 50, 150 - 9 - (90 - 7))


def test_where_everything_has_arrived_one_poll_is_enough() -> None:
    test, source = begun(seen(10, 10), seen(20, 20))
    assert test.missed == 0
    assert source.polls == 2


def test_events_in_flight_are_waited_for() -> None:
    test, source = begun(
        seen(10, 10), seen(20, 12), seen(20, 15, overdue=5), seen(20, 19, overdue=1), seen(20, 20)
    )
    test.assert_nothing_missed()
    assert source.polls == 5


def test_but_not_for_ever() -> None:
    test, source = begun(seen(10, 10), seen(20, 15, overdue=5))
    assert test.overdue == 5
    assert source.polls < 25
    with pytest.raises(
        AssertionError,
        match=r"sub/1 did not receive the last 5 events of lab/a/1/X.change, published by pub/1",
    ):
        test.assert_nothing_missed()
    assert test.missed == 0


def test_events_overdue_before_the_test_are_told_apart() -> None:
    # Numbers 8 to 10 were pushed before; 3 of them and 2 new ones are not here.
    test, _ = begun(seen(10, 7, overdue=3), seen(12, 7, overdue=5))
    assert test.overdue == 2
    # They come to light as missed: nobody knows of which time they are, and it is said.
    test, _ = begun(seen(10, 7, overdue=3), seen(12, 12, missed=4))
    with pytest.raises(AssertionError, match="3 of its events were overdue before"):
        test.assert_nothing_missed()
    # All old ones have arrived late, two new ones are lost.
    test, _ = begun(seen(10, 7, overdue=3), seen(12, 10, overdue=2))
    assert test.overdue == 2


def test_a_publisher_that_is_not_monitored_leaves_overdue_unknown() -> None:
    test, _ = begun(seen(10, 10, overdue=None), seen(10, 10, overdue=None))
    assert [one.overdue for one in test.subscriptions] == [None]
    assert repr(test.overdue) == "<0 overdue events, not known of 1 subscription>"


def test_losses_of_subscriptions_that_are_gone_count() -> None:
    test, _ = begun(seen(10, 10), seen(20, 20, missed=1, gone=4))
    missed = test.missed
    assert missed == 5
    assert missed.details == (
        "sub/1 missed 1 event of lab/a/1/X.change, published by pub/1",
        "4 by subscriptions that there are no longer",
    )


def changed(observation: Observation, time: str = "", **changes: Any) -> Observation:
    """With its one subscription changed, and the totals of what was unaccounted."""
    publisher, subscriber = observation.servers
    row = msgspec.structs.replace(subscriber.subscriptions[0], **changes)
    totals = msgspec.structs.replace(observation.totals, unaccounted=row.unaccounted)
    servers = (publisher, msgspec.structs.replace(subscriber, subscriptions=(row,)))
    return msgspec.structs.replace(observation, servers=servers, totals=totals, time=time)


def test_unaccounted_events_are_losses_with_cause_and_interval() -> None:
    before = changed(seen(10, 10), "2026-11-26T12:00:00.000Z", unaccounted=2)
    after = changed(
        seen(20, 15),
        "2026-11-26T12:00:30.000Z",
        unaccounted=7,
        ended=True,
        lost_since="2026-11-26T12:00:10.000Z",
    )
    test, source = begun(before, after)
    assert test.missed == 5
    assert source.polls == 2  # what has ended is not waited for
    with pytest.raises(AssertionError) as caught:
        test.assert_nothing_missed()
    assert str(caught.value) == (
        "5 missed events:\n"
        "  sub/1 has 5 events of lab/a/1/X.change, published by pub/1, "
        "unaccounted (nobody can know whether they arrived), "
        "between 2026-11-26 12:00:10 and 12:00:30 UTC"
    )
    assert test.verdict.level is Level.LOST


def test_what_arrives_after_all_is_no_loss() -> None:
    test, _ = begun(changed(seen(10, 8), unaccounted=2), changed(seen(10, 10), unaccounted=0))
    test.assert_nothing_missed()
    assert test.missed == 0


def test_unknown_overdue_fails_no_test_and_is_told() -> None:
    one = seen(10, 10, overdue=None)
    one = msgspec.structs.replace(one, totals=msgspec.structs.replace(one.totals, overdue_unknown=1))
    test, _ = begun(one)
    test.assert_nothing_missed()
    assert test.verdict.level is Level.UNKNOWN


def test_a_server_that_has_fallen_silent_is_no_success() -> None:
    test, _ = begun(seen(10, 10), seen(10, 10, state=ServerState.UNREACHABLE))
    assert test.missed == 0
    with pytest.raises(AssertionError, match="its counts are not known: it is down"):
        test.assert_nothing_missed()


def test_a_server_that_was_stopped_in_good_order_fails_no_test() -> None:
    stopped = changed(seen(10, 10, state=ServerState.NOT_EXPORTED), ended=True)
    test, _ = begun(seen(10, 10), stopped)
    test.assert_nothing_missed()
    assert test.verdict.level is Level.CLEAR
    assert test.verdict.coverage.subscriptions == 1


def test_what_was_pushed_around_an_end_makes_the_verdict_unknown() -> None:
    for name, why in (("unobserved", Why.UNOBSERVED), ("blind_seconds", Why.BLIND)):
        later = seen(10, 10)
        later = msgspec.structs.replace(later, totals=msgspec.structs.replace(later.totals, **{name: 3}))
        test, _ = begun(seen(10, 10), later)
        test.assert_nothing_missed()
        assert [ground.why for ground in test.verdict.uncovered] == [why]


def test_counters_that_were_set_back_are_no_success() -> None:
    test, _ = begun(seen(10, 10), seen(1, 1, since="later"))
    with pytest.raises(CountersResetError, match="the source"):
        _ = test.missed


def test_a_test_cannot_begin_where_nothing_is_monitored() -> None:
    down = Observation(1, "", Totals(0, 0, 0, 0), (Server("s", ServerState.UNREACHABLE, "down", (), ()),))
    with pytest.raises(NothingMonitoredError, match="s is unreachable: down"):
        begun(down)
    test, source = begun(down, down, seen(1, 1))
    assert source.polls == 3
    assert test.missed == 0


def test_marks_have_a_poll_before_them() -> None:
    test, source = begun(seen(1, 1))
    assert (source.polls, source.marks) == (1, [("begin", {})])
    test.mark("flashed")
    test.mark("tested", iteration=3)
    test.end("AssertionError: no")
    test.end(None)
    assert source.marks[1:] == [
        ("flashed", {}),
        ("tested", {"iteration": 3}),
        ("end", {"error": "AssertionError: no"}),
        ("end", {}),
    ]
    assert source.polls == 3


def test_the_end_is_marked_even_if_nobody_can_be_asked() -> None:
    test, source = begun(seen(1, 1))

    def fail() -> Observation:
        raise EventSourceError("source", "gone")

    source.poll = fail  # type: ignore[method-assign]
    with pytest.raises(EventSourceError):
        test.end(None)
    assert source.marks[-1] == ("end", {})


def test_names_of_runs_can_be_marked_and_are_different() -> None:
    source = Source([seen(1, 1)])
    names = [monitored_test(source, "a\n" * 500, settle_seconds=1).run for _ in range(20)]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 256 and name.isprintable() for name in names)


def test_the_answer_of_the_device_is_understood(pytestconfig: pytest.Config) -> None:
    observation = seen(3, 2, missed=1, overdue=None)
    text = json.dumps({**msgspec.to_builtins(observation), "schema": "x", "problems": []})
    assert from_json(text) == observation
    assert observation.uncertain
    assert not seen(3, 3).uncertain


def test_a_comparison_names_what_the_number_is_made_of() -> None:
    count = EventCount(5001, "missed events", ("a missed 5001 of b", "c"))
    assert pytest_assertrepr_compare("==", count, 0) == ["5,001 missed events == 0", *count.details]
    assert pytest_assertrepr_compare("<", 3, count) == ["3 < 5,001 missed events", *count.details]
    assert pytest_assertrepr_compare("==", 1, 0) is None
    assert repr(count) == "<5,001 missed events: a missed 5001 of b; c>"
    assert repr(EventCount(0, "missed events")) == "<0 missed events>"
    assert f"{count}|{count:>5}|{count + 1}" == "5001| 5001|5002"


def test_other_tests_do_not_notice_it(tmp_path: Path) -> None:
    """Loaded, cheap, and without Tango or numpy."""
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    assert 'stem_device.pytest_plugin' in sys.modules\n"
        "    assert not {'tango', 'numpy', 'h5py', 'msgspec'} & set(sys.modules)\n"
        "\ndef test_fails():\n    assert 1 == 2\n"
    )
    # Other plugins of the environment may import anything.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "stem_device.pytest_plugin"],
        cwd=tmp_path,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
