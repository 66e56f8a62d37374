"""The plot of the demo: how events come to be lost, and when that is noticed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import tango

from stem_device.client import Run, RunMarker
from stem_device.demo.devices import WAVEFORM

STEADY_PERIOD_SECONDS = 0.01
BURST_RATE = 1_500
BURST_SECONDS = 4.0
LARGEST_BURST = 48_000
SLOW_CALLBACK_SECONDS = 0.02
FINALIZER_SECONDS = 0.004
"""Of each object that the collecting subscriber leaves behind: it is faster than the slow one, and loses
less."""
ATTRIBUTE = WAVEFORM

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """``play`` gets the devices into a situation, ``words`` explain it, and it is shown for ``seconds``.

    ``mark`` is how the recording calls it; empty for a scene that belongs to no round.
    """

    mark: str
    words: str
    seconds: float
    play: Callable[[], None]


class Director:
    """Drives the publisher and the slow subscriber through scenes, again and again, on a thread of its own.

    ``collecting`` is slow by its garbage collector, at the same time; None where it is left out.
    ``marks`` gets every round as a run and every scene of it as a mark. ``missed`` is asked how many events
    are known to be missed. Queues differ between machines: when a burst was too small for a loss, the next
    one is twice as large. ``wait`` sleeps for so many seconds.
    """

    def __init__(
        self,
        publisher: tango.DeviceProxy,
        slow: tango.DeviceProxy,
        marks: RunMarker,
        *,
        collecting: tango.DeviceProxy | None = None,
        say: Say,
        missed: Callable[[], int],
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._publisher = publisher
        self._slow = slow
        self._collecting = collecting
        self._marks = marks
        self._say = say
        self._missed = missed
        self._burst = int(BURST_RATE * BURST_SECONDS)
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._thread = threading.Thread(target=self._run, name="demo-director", daemon=True)
        self.error = ""

    def start(self, seconds: float) -> None:
        """Play for ``seconds`` (0: no end). A round that would not fit any more is not begun."""
        self._seconds_left = seconds or float("inf")
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the play, which a play without end has only when ``error`` says why."""
        self._thread.join()

    def stop(self) -> None:
        """End the play after the remote call that is under way."""
        self._ended.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        try:
            with tango.EnsureOmniThread():
                self._play()
        except tango.DevFailed as error:
            # What failed comes first, in which command to which device last.
            self.error = "; ".join(str(cause.desc).strip() for cause in (error.args[0], *error.args[1:][-1:]))

    def _play(self) -> None:
        self._show(self._calm(2.0))
        for number in count(1):
            if self._ended.is_set():
                return
            scenes = tuple(self._loss())
            if sum(scene.seconds for scene in scenes) > self._seconds_left:
                self._show(self._calm(self._seconds_left))
                continue
            missed_before = self._missed()
            with self._marks.run(f"round {number}", device_group="demo") as run:
                for scene in scenes:
                    self._show(scene, run)
            if self._missed() == missed_before:
                self._burst = min(2 * self._burst, LARGEST_BURST)

    def _show(self, scene: Scene, run: Run | None = None) -> None:
        if self._ended.is_set():
            return
        scene.play()
        if run is not None:
            run.mark(scene.mark)
        self._say(scene.words)
        self._seconds_left -= scene.seconds
        self._wait(scene.seconds)

    def _calm(self, seconds: float) -> Scene:
        return Scene(
            "",
            "All is well: 100 events a second, and all subscribers keep up.",
            seconds,
            self._push_steadily,
        )

    def _loss(self) -> Iterator[Scene]:
        burst = f"A burst: {BURST_RATE:,} events a second. The slow subscriber takes 20 ms for each"
        another = "; another one stops for its garbage collector" if self._collecting else ""
        yield Scene(
            "burst",
            f"{burst}{another}.",
            self._burst / BURST_RATE + 0.5,
            self._push_burst,
        )
        yield Scene(
            "silence",
            "The publisher is silent. What is overdue is queued or lost: which of both is not known yet.",
            2.0,
            lambda: None,
        )
        yield Scene(
            "catching up",
            "Queues are worked off. What stays overdue is lost.",
            2.0,
            self._catch_up,
        )
        yield Scene(
            "next event",
            "The next event arrives. The gap before it shows: overdue turns into missed.",
            3.0,
            self._push_steadily,
        )

    def _push_steadily(self) -> None:
        self._publisher.StopPushing()
        self._publisher.PushInBackground([ATTRIBUTE, "change", "0", str(STEADY_PERIOD_SECONDS)])

    def _push_burst(self) -> None:
        self._publisher.StopPushing()
        self._slow.SetDelay(["0", str(SLOW_CALLBACK_SECONDS)])
        if self._collecting is not None:
            self._collecting.SetDelay(["0", str(FINALIZER_SECONDS)])
        self._publisher.PushInBackground([ATTRIBUTE, "change", str(self._burst), str(1 / BURST_RATE)])

    def _catch_up(self) -> None:
        self._slow.SetDelay(["0", "0"])
        if self._collecting is not None:
            self._collecting.SetDelay(["0", "0"])
