"""What ``stem tap`` does, once its arguments are understood."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import tango

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.interrupts import Interrupted, interrupts_noted
from stem_device.cli.tap_views import TapView, choose_tap_view
from stem_device.errors import MissingExtraError, OptionError, RecordingError
from stem_device.model.options import Options
from stem_device.model.options.polling import TAP_ALL
from stem_device.polling import check_target
from stem_device.polling.tap_finding import FindingThread
from stem_device.polling.tapping import Publisher
from stem_device.recording.event_files import EventFile, HeardEvent, open_events
from stem_device.report.tap import Traffic, TrafficReport
from stem_device.wire import Taps, Topics, UndecodableError, value_of
from stem_device.wire.counting import TopicCounter

_LISTEN_SECONDS = 0.05
_FLUSH_SECONDS = 0.5
"""Events that are in no file yet, at most, where the process is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapArguments:
    """The arguments of ``stem tap``; ``seconds`` 0 means no end."""

    servers: tuple[str, ...]
    output: Path | None = None
    values: bool = False
    topics: tuple[str, ...] = ()
    period_seconds: float = 1.0
    seconds: float = 0.0
    timeout_seconds: float = 3.0
    plain: bool = False
    as_json: bool = False


def run_tap(arguments: TapArguments) -> ExitCode:
    """Check the arguments, tap, and report on the way. Raises StemError."""
    if importlib.util.find_spec("zmq") is None:
        raise MissingExtraError("wire", "stem tap")
    for server in arguments.servers:
        check_target(server, "SERVER")
    for pattern in arguments.topics:
        if not pattern.strip():
            raise OptionError("--topic", pattern, "matches nothing; name an attribute or a device")
    tango.ApiUtil.instance()  # on the main thread, before any other
    view = choose_tap_view(arguments.servers, plain=arguments.plain, as_json=arguments.as_json)
    with interrupts_noted() as interrupted, ExitStack() as stack:
        session = TapSession(arguments, stack)
        return session.run(view, interrupted)


class TapSession:
    """One run: servers are looked up and asked on a thread, the main thread taps and shows."""

    def __init__(self, arguments: TapArguments, stack: ExitStack) -> None:
        """What has to be closed in the end is left to ``stack``."""
        self._arguments = arguments
        self._file: EventFile | None = open_events(arguments.output) if arguments.output else None
        self._problem = ""
        if self._file is not None:
            stack.callback(self._close_file)
        self._taps = Taps()
        stack.callback(self._taps.close)
        options = Options(
            target_devices=arguments.servers,
            target_timeout=arguments.timeout_seconds,
            poll_period=1.0,
            follow_publishers=False,
            tap_publishers=TAP_ALL,
        )
        self._finding = FindingThread(options)
        stack.callback(self._finding.close)
        self._traffic = Traffic()
        self._publishers: dict[str, Publisher] = {}
        self._written = 0

    def run(self, view: TapView, interrupted: Interrupted) -> ExitCode:
        """Tap until the end; the code says how it went."""
        arguments = self._arguments
        begun = due = time.monotonic()
        flushed = begun
        with interrupted.undone_by(view.restore), view:
            while not interrupted and not self._problem and not view.attend():
                self._take_up()
                self._taps.listen(_LISTEN_SECONDS)
                now = time.monotonic()
                if now - flushed >= _FLUSH_SECONDS:
                    flushed = now
                    self._flush()
                if now - due >= arguments.period_seconds:
                    due = now
                    view.show(self._report())
                if 0 < arguments.seconds <= now - begun:
                    break
        self._close_file()
        view.end(self._report())
        return self._outcome()

    def _take_up(self) -> None:
        """Tap who is found, and no longer who has gone or publishes elsewhere now."""
        wanted = self._finding.publishers
        if wanted is self._publishers:
            return
        for key in self._publishers.keys() - wanted.keys():
            self._traffic.ended(key, self._taps.taps[key].counts())
            self._taps.forget(key)
        for key in wanted.keys() - self._publishers.keys():
            one = wanted[key]
            topics = Topics(self._arguments.topics, one.hosts)
            on_event = self._on_event if self._file is not None else None
            self._taps.watch(key, one.events, one.heartbeats, topics, on_event)
        self._publishers = wanted

    def _report(self) -> TrafficReport:
        counts = {key: tap.counts() for key, tap in self._taps.taps.items()}
        return self._traffic.report(self._publishers, counts, self._finding.notes, self._footer())

    def _on_event(self, topic: TopicCounter, _missing: int, frames: Sequence[bytes]) -> None:
        if self._file is None or self._problem:
            return
        size = sum(map(len, frames))
        event = HeardEvent(time.time_ns(), topic.topic, topic.counter, size)
        if self._arguments.values:
            event = _with_value(event, frames)
        try:
            self._file.add(event)
            self._written += 1
        except RecordingError as error:
            self._problem = str(error)

    def _flush(self) -> None:
        try:
            if self._file is not None and not self._problem:
                self._file.flush()
        except RecordingError as error:
            self._problem = str(error)

    def _close_file(self) -> None:
        try:
            if self._file is not None:
                self._file.close()
        except RecordingError as error:
            self._problem = self._problem or str(error)

    def _footer(self) -> str:
        if self._arguments.output is None:
            return ""
        return self._problem or f"writing {self._arguments.output} ({self._written:,} events)"

    def _outcome(self) -> ExitCode:
        if self._problem:
            tell(self._problem)
            return ExitCode.FAILED
        if not self._traffic.tapped_any:
            tell("no publisher could be tapped")
            for note in self._finding.notes:
                tell(f"  {note}")
            return ExitCode.NO_TARGET
        return ExitCode.OK


def _with_value(event: HeardEvent, frames: Sequence[bytes]) -> HeardEvent:
    try:
        value = value_of(frames)
    except UndecodableError as error:
        return HeardEvent(event.time_utc_ns, event.name, event.counter, event.size, undecoded=str(error))
    return HeardEvent(
        event.time_utc_ns,
        event.name,
        event.counter,
        event.size,
        value.type,
        value.value,
        value.written,
        value.quality,
        value.errors,
    )
