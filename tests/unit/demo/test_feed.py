from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import tango
from msgspec import structs

from stem_device.analysis.verdict import Level
from stem_device.demo.ending import Recording, command, ending
from stem_device.demo.feed import ATTRIBUTES, Feed, received
from stem_device.demo.story import Story
from stem_device.device.digest import digest
from stem_device.device.summary import latest_snapshot
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, Snapshot
from stem_device.report.overview import Judgement
from tests.unit.report.report_snapshots import PUBLISHER, STREAM, SUBSCRIBER, server, snapshot, subscription

FINE = snapshot(server(), server(SUBSCRIBER, subscriptions=(subscription(5),)))
LATE = snapshot(
    server(SUBSCRIBER, counts=Counts(received=7, overdue=13), subscriptions=(subscription(7, overdue=13),)),
    server(PUBLISHER, counts=Counts(published=20)),
    poll=2,
    counts=Counts(published=20, received=7, overdue=13),
    published_rate=15.0,
    received_rate=2.0,
)
LOSSY = snapshot(
    server(state=ServerState.UNREACHABLE, reason="time out"),
    server(
        SUBSCRIBER,
        counts=Counts(received=8, missed=13, gaps=1),
        subscriptions=(subscription(8, missed_total=13, missed_at_least=True, gaps_total=1),),
    ),
    poll=3,
    counts=Counts(published=21, received=8, missed=13, gaps=1),
)


def told(seen: Snapshot) -> str:
    """What the device would say."""
    return latest_snapshot(seen, digest(seen))


def test_what_the_device_tells_is_understood() -> None:
    late = received(told(LATE))
    assert late.poll == 2
    assert late.time_utc_ns == LATE.time_utc_ns
    assert late.counts == LATE.counts
    assert (late.published_rate, late.received_rate) == (15.0, 2.0)
    assert [row.name for row in late.servers] == [PUBLISHER, SUBSCRIBER]
    assert [(row.subscriber, row.stream, row.overdue) for row in late.subscriptions] == [
        (SUBSCRIBER, STREAM, 13)
    ]
    lossy = received(told(LOSSY))
    assert math.isnan(lossy.published_rate)
    assert (lossy.servers[0].state, lossy.servers[0].reason) == (ServerState.UNREACHABLE, "time out")
    assert (lossy.subscriptions[0].missed_total, lossy.subscriptions[0].missed_at_least) == (13, True)


def test_what_is_not_known_yet_is_understood() -> None:
    first = snapshot(
        server(SUBSCRIBER, counts=Counts(overdue_unknown=1), subscriptions=(subscription(5, overdue=None),)),
        counts=Counts(overdue_unknown=1),
    )
    seen = received(told(first))
    assert seen.counts == first.counts
    assert seen.servers[0].overdue is None


def test_the_verdict_is_shown_without_the_database() -> None:
    told_so = structs.replace(
        received(told(LATE)), verdict=Judgement(Level.WAITING, f"{SUBSCRIBER} waits for {PUBLISHER}.")
    )
    view = Story().then(told_so, heading="h", scene="s", footer="f")
    assert view.verdict == Judgement(Level.WAITING, "sub/1 waits for pub/1.")
    lines = list(ending(told_so, None, shown_seconds=3.0, tango_host="h:1", running=False))
    assert "Verdict: waiting. sub/1 waits for pub/1." in lines


@pytest.mark.parametrize("text", ["{}", '{"poll": "one"}'])
def test_something_else_is_refused(text) -> None:
    with pytest.raises(msgspec.ValidationError):
        received(text)


def test_the_story_tells_each_turn_once() -> None:
    story, news = Story(), []
    for seen in (FINE, LATE, LATE, LOSSY, LOSSY):
        view = story.then(received(told(seen)), heading="h", scene="s", footer="f")
        news.append([text.partition(" ")[2] for text in story.news])
    lacks, missed = "sub/1 lacks 13 of test/pub/1/attr.change", "sub/1 missed 13 of test/pub/1/attr.change"
    assert news == [[], [lacks], [], [missed], []]
    assert view.trend.missed == (0.0, 0.0, 0.0, 13.0, 0.0)
    assert len(view.messages) == 2


def test_a_subscriber_that_catches_up_lost_nothing() -> None:
    story = Story()
    for seen in (LATE, snapshot(server(SUBSCRIBER, subscriptions=(subscription(20, gaps_total=1),)), poll=3)):
        story.then(received(told(seen)), heading="h", scene="s", footer="f")
    assert story.news[0].endswith("sub/1 has caught up with test/pub/1/attr.change")


@dataclass
class Device:
    """Hands over the callbacks that it is given."""

    def __post_init__(self) -> None:
        self.callbacks: dict[str, Any] = {}

    def subscribe_event(self, name: str, kind: tango.EventType, callback: Any) -> str:
        assert kind == tango.EventType.CHANGE_EVENT
        self.callbacks[name] = callback
        return name

    def unsubscribe_event(self, name: str) -> None:
        del self.callbacks[name]

    def push(self, name: str, value: Any, *, err: bool = False) -> None:
        attr_value = None if err else SimpleNamespace(name=name, value=value)
        self.callbacks[name](SimpleNamespace(err=err, attr_value=attr_value))


def test_the_feed_lives_on_events() -> None:
    device = Device()
    feed = Feed(cast(Any, device))
    assert set(device.callbacks) == set(ATTRIBUTES)
    assert feed.next(0.0) is None
    device.push("latestSnapshot", "")
    device.push("verdict", int(Level.WAITING))
    device.push("verdictText", "sub/1 waits.")
    device.push("latestSnapshot", told(LATE))
    device.push("State", "ALARM")
    device.push("recordedPolls", 7)
    late = feed.next(0.0)
    assert late is not None
    assert late.counts.overdue == 13
    assert late.verdict == Judgement(Level.WAITING, "sub/1 waits.")
    assert feed.next(0.0) is None
    assert (feed.state, feed.recorded_polls, feed.errors) == ("ALARM", 7, 0)
    feed.close()
    assert device.callbacks == {}


def test_errors_are_counted_and_change_nothing() -> None:
    device = Device()
    feed = Feed(cast(Any, device))
    device.push("State", None, err=True)
    device.push("latestSnapshot", "{}")
    assert feed.errors == 2
    assert feed.state == "UNKNOWN"
    assert feed.next(0.0) is None


@pytest.mark.parametrize("running", [True, False])
def test_the_ending_names_the_lossy_subscription_and_what_is_next(running) -> None:
    lines = list(
        ending(
            received(told(LOSSY)),
            Recording("/x/run.h5", 30, 1_200_000),
            shown_seconds=30.0,
            tango_host="127.0.0.1:1",
            running=running,
        )
    )
    text = "\n".join(lines)
    assert "sub/1 missed 13 of test/pub/1/attr.change, in 1 gap." in lines
    assert "Recording  /x/run.h5" in lines
    assert "  export TANGO_HOST=127.0.0.1:" + ("1" if running else "PORT   # as it prints") in lines
    assert ("keeps running" in text) is running
    assert max(len(line) for line in lines) <= 100


def test_commands_are_named_so_that_they_work(tmp_path, monkeypatch) -> None:
    bin_folder = tmp_path / "venv" / "bin"
    bin_folder.mkdir(parents=True)
    program = bin_folder / "stem"
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(bin_folder / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert command("stem") == str(program)
    monkeypatch.chdir(tmp_path)
    assert command("stem") == "venv/bin/stem"
    monkeypatch.setenv("PATH", str(bin_folder))
    assert command("stem") == "stem"


def test_an_ending_without_loss_says_so() -> None:
    recording = Recording("/x", 1, 1, "the disk is full")
    lines = ending(received(told(LATE)), recording, shown_seconds=5.0, tango_host="h:1", running=False)
    text = "\n".join(lines)
    assert "None is known to be missed yet" in text
    assert "ended early: the disk is full" in text
    assert "13 were overdue at the end" in text
