"""The demo from beginning to end."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import tango

from stem_device.client import RunMarker
from stem_device.demo.director import Director
from stem_device.demo.ending import Recording, ending
from stem_device.demo.feed import Feed, Received
from stem_device.demo.stage import Stage, choose_stage, write_lines
from stem_device.demo.story import Story
from stem_device.demo.system import COLLECTING, MONITOR, PUBLISHER, SLOW, DemoSystem
from stem_device.errors import StemError
from stem_device.recording.output_path import output_file
from stem_device.report.overview import Overview
from stem_device.report.terminal import write_svg

_REFRESH_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoArguments:
    """How long (``seconds`` 0: until interrupted), where to record, and how to show it.

    ``keep`` leaves the system running afterwards, until interrupted. ``svg`` gets a picture of the screen at
    the last moment at which a loss was noticed.
    """

    seconds: float = 30.0
    recordings: Path = Path("recordings")
    plain: bool = False
    keep: bool = False
    svg: Path | None = None


class DemoError(StemError):
    """One of the demo's own devices failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the demo failed: {reason.strip()}")
        self.reason = reason


class Performance:
    """One showing. KeyboardInterrupt ends the show early, but not without its ending."""

    def __init__(self, arguments: DemoArguments, system: DemoSystem, feed: Feed) -> None:
        self._arguments = arguments
        self._feed = feed
        self._monitor = system.device(MONITOR)
        self._tango_host = system.tango_host
        self._scene = ""
        self._recording = False
        self._story = Story()
        self._last: Received | None = None
        self._picture: Overview | None = None
        self._director = Director(
            system.device(PUBLISHER),
            system.device(SLOW),
            RunMarker(self._monitor, never_fail=True),
            collecting=system.device_if_started(COLLECTING),
            say=self._say,
            missed=lambda: self._last.counts.missed if self._last else 0,
        )

    def play(self, stage: Stage) -> bool:
        """Record, show, and tell the end; whether the system is to be left running.

        Raises tango.DevFailed if the device fails, DemoError if the play went wrong.
        """
        arguments = self._arguments
        self._recording = self._start_recording()
        started = time.monotonic()
        self._director.start(0.0 if arguments.keep else arguments.seconds)
        deadline = started + arguments.seconds if arguments.seconds else float("inf")
        running = False
        try:
            interrupted = self._show(stage, deadline)
            shown_seconds = time.monotonic() - started
            running = arguments.keep and not interrupted
        finally:
            # Also when nobody reads any more: it must not play on while the servers are stopped.
            if not running:
                self._director.stop()
        if self._director.error:
            raise DemoError(self._director.error)
        if self._recording:
            self._monitor.StopRecording()
        self._end(shown_seconds, running=running)
        return running

    def _start_recording(self) -> bool:
        """Record, or say why not: all the rest can be shown without. Whether it records."""
        try:
            self._monitor.StartRecording("demo")
        except tango.DevFailed as error:
            reason = str(error.args[0].desc).strip(" .\n")
            write_lines(f"The recording could not be started and is left out: {reason}.")
            return False
        return True

    def go_on(self) -> None:
        """Play on unseen until KeyboardInterrupt; raises DemoError.

        What the device tells is still listened to: the director makes its bursts larger while none is missed.
        """
        try:
            while not self._director.error:
                self._last = self._feed.next(_REFRESH_SECONDS) or self._last
        finally:
            self._director.stop()
        raise DemoError(self._director.error)

    def _say(self, words: str) -> None:
        self._scene = words

    def _show(self, stage: Stage, deadline: float) -> bool:
        """Show polls until ``deadline`` (monotonic seconds); whether somebody interrupted."""
        overview: Overview | None = None
        try:
            with stage:
                while (left := deadline - time.monotonic()) > 0:
                    received = self._feed.next(min(left, _REFRESH_SECONDS))
                    if received:
                        overview = self._overview(received, left)
                        stage.show(overview, self._story.news)
        except KeyboardInterrupt:
            return True
        return False

    def _overview(self, received: Received, left: float) -> Overview:
        self._last = received
        remaining = "" if left == float("inf") else f"{left:.0f} s left · "
        overview = self._story.then(
            received,
            heading=f"stem demo  {MONITOR} is {self._feed.state}",
            scene=self._scene,
            footer=f"TANGO_HOST={self._tango_host} · {self._feed.recorded_polls} polls recorded"
            f" · {remaining}Ctrl-C ends",
        )
        if self._picture is None or self._story.lost:
            self._picture = overview
        return overview

    def _recorded(self) -> Recording | None:
        if not self._recording:
            return None
        return Recording(
            path=str(Path(self._monitor.recordingPath).absolute()),
            polls=self._monitor.recordedPolls,
            bytes=self._monitor.recordedBytes,
            error=self._monitor.recordingError,
        )

    def _end(self, shown_seconds: float, *, running: bool) -> None:
        if self._last is None:
            write_lines("The demo ended before the first poll was shown.")
            return
        lines = ending(
            self._last,
            self._recorded(),
            shown_seconds=shown_seconds,
            tango_host=self._tango_host,
            running=running,
        )
        write_lines(*lines)
        if self._arguments.svg and self._picture:
            write_svg(self._picture, output_file(self._arguments.svg), title="stem demo")


def run_demo(arguments: DemoArguments) -> None:
    """Start the system, play, stop the system. Call it on the main thread.

    Raises MissingExtraError, ProcessError, DemoError; KeyboardInterrupt only while nothing is shown.
    """
    stage = choose_stage(plain=arguments.plain)
    tango.ApiUtil.instance()
    with suppress(OSError):  # the device says why it cannot record there
        arguments.recordings.mkdir(parents=True, exist_ok=True)
    write_lines("Starting a Tango database and six device servers on loopback ...")
    try:
        with ExitStack() as stack:
            system = stack.enter_context(DemoSystem(arguments.recordings.absolute()))
            write_lines(*system.left_out)
            feed = stack.enter_context(closing(Feed(system.device(MONITOR))))
            performance = Performance(arguments, system, feed)
            if performance.play(stage):
                performance.go_on()
    except tango.DevFailed as error:
        raise DemoError(error.args[0].desc) from error
