"""What ``stem monitor`` does, once its arguments are understood."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tango

from stem_device.analysis.facts import Patience
from stem_device.cli.exit_codes import ExitCode, FailOn
from stem_device.cli.failures import tell
from stem_device.cli.interrupts import Interrupted, interrupts_noted
from stem_device.cli.judging import verdict_code
from stem_device.cli.output_file import OutputFile
from stem_device.cli.shown import Shown
from stem_device.cli.views import View, Watcher, choose_view
from stem_device.errors import shown_path
from stem_device.exporting import attach_exporters, take_short_turns
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from stem_device.outlets import Outlet, OutletQueue
from stem_device.polling import check_target
from stem_device.report import number_text
from stem_device.report.lines import quoted
from stem_device.report.summary import summarise
from stem_device.web import serve_monitor

_WAITING_REPORTS = 100
"""Lines are wanted of each poll: a reader who is slower than the polls (a paused pager) costs the newest of
them, not memory. A report has some kilobytes; a pager that is paused for less than 100 polls costs none."""
_WATCH_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorArguments:
    """The arguments of ``stem monitor``; ``polls`` 0 means no end."""

    options: Options
    output_file: Path | None = None
    append: bool = False
    polls: int = 0
    wait: bool = False
    plain: bool = False
    fail_on: FailOn | None = None
    as_json: bool = False


class MonitorSession:
    """One run: the poll thread hands over reports, the main thread shows them."""

    def __init__(self, arguments: MonitorArguments) -> None:
        self._arguments = arguments
        options = arguments.options
        path = arguments.output_file
        self._output = OutputFile(path, options, append=arguments.append) if path else None
        self._file = Outlet("file", self._output) if self._output else None
        self._monitor = Monitor(options)
        attach_exporters(self._monitor)
        if self._file:
            self._monitor.add_outlet(self._file)
        self._port = serve_monitor(self._monitor) if options.http_address else None
        self._watcher = Watcher(_heading(arguments), Patience.of(options))
        self._shown: OutletQueue[Shown] = OutletQueue("terminal", _WAITING_REPORTS)
        self._last: Snapshot | None = None
        self._taken = 0
        self._patience_seconds = 0.0 if arguments.wait else options.target_timeout
        self._judged = options.poll_period >= options.target_timeout
        self._started = 0.0

    def run(self, view: View, interrupted: Interrupted) -> ExitCode:
        """Monitor until the end; the code says how it went."""
        take_short_turns()
        if view.newest_only:
            self._shown = OutletQueue("terminal", 1, newest=True)
        try:
            code = self._watch(view, interrupted)
        finally:
            self._close()
        verdict = self._watcher.verdict
        if code is ExitCode.OK and self._last is not None and verdict is not None:
            view.summary(summarise(self._last, verdict))
            code = verdict_code(verdict.level, self._arguments.fail_on)
        dropped = self._shown.health.dropped
        if dropped and not view.newest_only:
            tell(f"{dropped} polls were not shown: the output was not read fast enough")
        return self._outcome(code)

    def _watch(self, view: View, interrupted: Interrupted) -> ExitCode:
        self._monitor.at_each_poll(self._take)
        if self._port:
            tell(self._port.error or f"serving {self._port.url}/")
        self._started = time.monotonic()
        self._monitor.start()
        first = self._next(view, interrupted)
        if first and not first.report.monitored and not self._arguments.wait:
            return ExitCode.NO_TARGET
        with interrupted.undone_by(view.restore), view:
            while first and not interrupted:
                view.show(first)
                first = self._next(view, interrupted)
        return ExitCode.OK

    def _next(self, view: View, interrupted: Interrupted) -> Shown | None:
        """The next poll; None after the last one, or if a signal or a key came first."""
        while not interrupted and not view.attend():
            last = self._taken >= self._arguments.polls > 0
            shown = self._shown.take(0.0 if last else _WATCH_SECONDS)
            if shown is not None:
                self._shown.done()
            if shown is not None or last:
                return shown
        return None

    def _take(self, snapshot: Snapshot) -> None:
        """Hand a Snapshot over to the file, then what is to be shown; on the poll thread."""
        if self._taken >= self._arguments.polls > 0 or self._is_too_early(snapshot):
            return
        try:
            if self._file:
                self._file.hand_over(snapshot, self._monitor.disk_patience_seconds)
            self._last = snapshot
            self._shown.offer(self._watcher.see(snapshot, self._footer()))
        finally:
            # Only now: the main thread ends when all are taken and none is left to show.
            self._taken += 1

    def _is_too_early(self, snapshot: Snapshot) -> bool:
        """Whether to forget this poll: a short period ends the first ones before any server was connected."""
        if not self._judged:
            monitored = any(server.state.is_counted for server in snapshot.servers)
            self._judged = monitored or time.monotonic() - self._started > self._patience_seconds
        return not self._judged

    def _footer(self) -> str:
        if not self._output or not self._file:
            return ""
        if self._output.error:
            return self._output.error
        health = self._file.health
        written = f"{self._output.polls} polls, {number_text.size(self._output.bytes_written)}"
        if health.waiting:
            written += f", {health.waiting} wait for the disk"
        if health.dropped:
            written += f", {health.dropped} dropped"
        return f"recording {self._output.path} ({written})"

    def _close(self) -> None:
        self._monitor.stop()  # and the file, for which it waits 10 s at most

    def _outcome(self, code: ExitCode) -> ExitCode:
        if code is ExitCode.NO_TARGET:
            if self._output and self._file and self._file.ended:
                self._output.discard()
            self._tell_why()
        elif self._output and self._file and (problem := _problem(self._output, self._file)):
            tell(problem)
            return ExitCode.FAILED
        return code

    def _tell_why(self) -> None:
        tell("no target can be monitored")
        for reason in _reasons(self._last):
            tell(f"  {reason}")
        tell("'stem check' tells more; with --wait, stem monitor goes on until a target can be monitored")


def targets_of(devices: Sequence[str]) -> tuple[str, ...]:
    """What is named on the command line. Raises OptionError for what can never be a target."""
    for device in devices:
        check_target(device, "DEVICE")
    return tuple(devices)


def run_monitor(arguments: MonitorArguments) -> ExitCode:
    """Monitor, and report on the way. Raises StemError."""
    # A first proxy made on another thread can crash the process at its first event.
    tango.ApiUtil.instance()
    view = choose_view(plain=arguments.plain, as_json=arguments.as_json)
    with interrupts_noted() as interrupted:  # from here on there is something to close
        return MonitorSession(arguments).run(view, interrupted)


def _problem(output: OutputFile, outlet: Outlet[Snapshot]) -> str:
    """What the file lacks, and why; empty if it has every poll."""
    health, path = outlet.health, shown_path(output.path)
    if output.error or health.failed:
        return output.error or health.last_error
    if not outlet.ended:
        return f"{path} was not closed: the disk does not answer; it lacks {health.dropped} polls"
    return f"{path} lacks {health.dropped} polls: the disk was too slow for them" if health.dropped else ""


def _heading(arguments: MonitorArguments) -> str:
    options = arguments.options
    return (
        f"stem monitor  {' '.join(options.target_devices)}  every {number_text.seconds(options.poll_period)}"
    )


def _reasons(snapshot: Snapshot | None) -> Iterator[str]:
    if snapshot is None:
        return
    yield from snapshot.problems
    for server in snapshot.servers:
        if not server.state.is_counted:
            yield f"{server.name} is {server.state}: {quoted(server.reason)}"
