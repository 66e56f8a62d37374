from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
import tango

from stem_device.client import RunMarker
from stem_device.demo.director import BURST_RATE, BURST_SECONDS, LARGEST_BURST, Director

FIRST = int(BURST_RATE * BURST_SECONDS)


class Device:
    """Notes the commands that it is sent; ``failing`` refuses them all."""

    def __init__(self, notes: list[str], *, failing: bool = False) -> None:
        self._notes = notes
        self._failing = failing

    def __getattr__(self, command: str) -> Callable[..., None]:
        def run(arguments: list[str] | None = None) -> None:
            if self._failing:
                tango.Except.throw_exception("Reason", "it is broken", "origin")
            self._notes.append(" ".join([command, *(arguments or [])]))

        return run


class Marked:
    """Takes the marks of an EventMonitor, as ``command run name``."""

    def __init__(self, marks: list[str]) -> None:
        self._marks = marks

    def command_inout(self, command: str, argument: str) -> str:
        told = json.loads(argument)
        self._marks.append(" ".join([command, told["run"], told.get("name", "")]).strip())
        return '{"recorded": true}'


class Play:
    """A director in no hurry: waiting only adds up the seconds and tells how many events are missed."""

    def __init__(
        self, seconds: float, losses: bool = True, failing: bool = False, collecting: bool = False
    ) -> None:
        self.notes: list[str] = []
        self.said: list[str] = []
        self.collected: list[str] = []
        self.marks: list[str] = []
        self.waited = 0.0
        self._losses = losses
        self._seconds = seconds
        device: Any = Device(self.notes, failing=failing)
        self.director = Director(
            device,
            device,
            RunMarker(cast(Any, Marked(self.marks))),
            collecting=Device(self.collected) if collecting else None,  # type: ignore[arg-type]
            say=self.said.append,
            missed=self._missed,
            wait=self._wait,
        )
        self.director.start(seconds)
        self.director._thread.join(10.0)

    def _missed(self) -> int:
        return len(self.notes) if self._losses else 0

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        if self.waited >= self._seconds:
            self.director._ended.set()

    @property
    def bursts(self) -> list[int]:
        pushes = [note.split() for note in self.notes if note.startswith("PushInBackground")]
        return [int(push[3]) for push in pushes if push[3] != "0"]


def test_half_a_minute_has_two_losses_and_ends_calmly() -> None:
    play = Play(30.0)
    assert play.bursts == [FIRST, FIRST]
    assert play.waited == pytest.approx(30.0)
    assert play.said[-1].startswith("All is well")
    assert play.notes.count("SetDelay 0 0.02") == play.notes.count("SetDelay 0 0") == 2


def test_the_callback_is_slow_before_the_burst_and_nothing_else_is_pushed_with_it() -> None:
    notes = Play(15.0).notes
    burst = next(i for i, note in enumerate(notes) if f" {FIRST} " in note)
    assert notes[burst - 2 : burst] == ["StopPushing", "SetDelay 0 0.02"]


def test_every_round_is_a_run_and_every_scene_of_it_a_mark() -> None:
    scenes = ["burst", "silence", "catching up", "next event"]
    rounds = [
        [f"BeginRun {run}", *(f"Mark {run} {scene}" for scene in scenes), f"EndRun {run}"]
        for run in ("round 1", "round 2")
    ]
    assert Play(30.0).marks == rounds[0] + rounds[1]


def test_too_short_for_a_loss_is_all_calm() -> None:
    play = Play(5.0)
    assert play.bursts == []
    assert play.waited == pytest.approx(5.0)


def test_where_queues_are_longer_the_bursts_grow() -> None:
    bursts = Play(300.0, losses=False).bursts
    assert bursts[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert max(bursts) <= LARGEST_BURST


def test_a_device_that_fails_ends_the_play_and_is_told() -> None:
    play = Play(30.0, failing=True)
    assert play.director.error == "it is broken"


def test_the_collector_of_another_subscriber_is_slow_with_the_first() -> None:
    play = Play(30.0, collecting=True)
    assert play.collected == ["SetDelay 0 0.004", "SetDelay 0 0"] * 2
    assert any(words.endswith("another one stops for its garbage collector.") for words in play.said)
    assert not any("collector" in words for words in Play(30.0).said)
