"""The monitor: polls, counts, and hands Snapshots to its outlets, until it is stopped."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import tango
from msgspec import structs

from stem_device.analysis.canaries import with_counters
from stem_device.analysis.verdict import Verdict
from stem_device.catalogue import MonitorState, PollSeries
from stem_device.errors import MonitorNotRunningError, StemError
from stem_device.model.canary import CanaryFigures
from stem_device.model.clock import BoundedClock, Clock, SystemClock
from stem_device.model.link import LinkFigures
from stem_device.model.mark import Mark
from stem_device.model.options import Options
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import Snapshot
from stem_device.monitor.assessment import Assessment
from stem_device.monitor.context import recording_context
from stem_device.monitor.health import HealthNotes, MonitorHealth
from stem_device.monitor.marks import NOT_RECORDING, LatestMarks, MarkOutcome, MarkWriter
from stem_device.monitor.poll_durations import PollDurations
from stem_device.monitor.poll_thread import PollThread
from stem_device.monitor.processes import ProcessWatch
from stem_device.monitor.recorder import QueuedRecorder
from stem_device.monitor.stacks import Stacks, check_installed
from stem_device.monitor.takers import Step, Takers
from stem_device.outlets import MAX_WAITING, Consumer, Outlet
from stem_device.polling import Poller, Schedule, Source, check_target
from stem_device.polling.canary import Canaries
from stem_device.polling.clients import ClientReports
from stem_device.polling.extra_attributes import ExtraAttributes
from stem_device.polling.heartbeats import Heartbeats
from stem_device.recording import RecordingSession, RecordingStatus
from stem_device.user_metrics import Intake

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""How long ``stop`` waits for a poll under way, and then for all outlets, before it goes on without them."""

DISK_SHARE = 0.25
MAX_DISK_SECONDS = 1.0
"""How long a poll waits for a disk that has kept up: this share of the period, and never longer.

So recordedPolls and a failure of the disk are told with the poll that they belong to, where the disk takes
half a second, say. A disk that hangs costs a quarter of one period, which is no poll.
"""


class Monitor:
    """Wires poll -> account -> outlets. Every method may be called from any thread."""

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock | None = None,
        poller: Poller | None = None,
        recordings: RecordingSession | None = None,
        thread_context: Callable[[], AbstractContextManager[object]] = tango.EnsureOmniThread,
    ) -> None:
        clock = BoundedClock(clock or SystemClock())
        self.recorded_by: Mapping[str, str] = {}
        """Which device this monitor is part of, for its recordings; set before ``start``."""
        self.series = PollSeries(lambda: self.state)
        """What exporters tell of a Snapshot, made once for all of them."""
        self._options = options
        self._clock = clock
        self._record_seconds = self._publish_seconds = math.nan
        self._poller = poller or Poller(options, clock=clock)
        self.clients = ClientReports(
            options,
            clock=clock,
            period_seconds=lambda: self.poll_period,
            sampling=lambda: self.sampling_wanted,
            queries=options.queries_per_poll,
            hold_seconds=options.alarm_hold_time,
        )
        """Takes the reports of clients that are no device servers."""
        self._poller.add_source(self.clients)
        self._canaries = Canaries(options, clock=clock, query=own_events(), thread_context=thread_context)
        self._poller.add_source(self._canaries)
        self._heartbeats = Heartbeats(clock) if options.listen_to_heartbeats else None
        if self._heartbeats is not None:
            self._poller.add_source(self._heartbeats)
        self._schedule = Schedule(options.poll_period, clock=clock)
        self._recordings = recordings or RecordingSession(options, clock=clock)
        self._recorder = QueuedRecorder(
            self._recordings, self._renew_sampling, hold_seconds=options.alarm_hold_time
        )
        self._marks = MarkWriter(self._record_mark, clock=clock)
        self._latest_marks = LatestMarks()
        self._processes = ProcessWatch(options.telemetry_directories)
        self._poll_durations = PollDurations()
        self.metrics = Intake(options, utc_ns=clock.utc_ns)
        """Takes metrics of users, from any thread; they go on with each Snapshot."""
        self.extra_attributes = ExtraAttributes(
            options.extra_attributes, self.metrics.add, lambda: self.poll_period, options.target_timeout
        )
        if options.take_stacks:
            check_installed()
        self._stacks = Stacks(self.mark) if options.take_stacks else None
        self._notes = HealthNotes()
        self._assessment = Assessment(options, self._stacks, self._notes, clock)
        self._takers = Takers(self._notes, thread_context)
        if self._heartbeats is not None:
            self._takers.add_step(self._heartbeats.take)
        self._mark_steps: list[Callable[[Mark], object]] = []
        self._starting = threading.Lock()
        self._settings = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._performance_wanted = options.monitor_performance
        self._thread = PollThread(self._cycle, self._schedule, self._notes, thread_context)

    def start(self) -> None:
        """Begin to poll; begin to record too if the options say so."""
        with self._starting:
            if self._thread.started:
                return
            self._renew_sampling()
            self._canaries.start()
            if self._options.record_on_start:
                self._record_on_start()
            self._processes.start()
            self._thread.start()
            self.extra_attributes.start()

    def stop(self) -> None:
        """End polling and all outlets, and switch off the sampling that was switched on here. For good.

        Outlets that do not end in time are left behind, and what they lose is logged.
        """
        self._thread.stop(STOP_SECONDS)
        self.extra_attributes.stop()
        self._close_outlets(time.monotonic() + STOP_SECONDS)
        self._processes.stop(0.0)  # it reads alone, and may hang
        self._poller.close()

    def _close_outlets(self, end: float) -> None:
        """All at the same time: one that hangs must not take the time of the others."""
        if self._stacks is not None:
            self._stacks.close()
        self._takers.end()
        self._marks.close(_seconds_until(end))
        self._recorder.stop(_seconds_until(end))
        self._takers.close(lambda: _seconds_until(end))

    def poll_now(self) -> Snapshot:
        """Poll at once and wait for the outcome; raises MonitorNotRunningError if there is none."""
        self._thread.cycle_now(self._options.target_timeout + STOP_SECONDS)
        if self._snapshot is None:
            raise MonitorNotRunningError(f"the poll failed; see the log: {self.health.last_error}")
        return self._snapshot

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest Snapshot; None before the first poll has ended."""
        return self._snapshot

    @property
    def verdict(self) -> Verdict | None:
        """What the last AlarmHoldTime amounts to; None before the first poll has ended."""
        return self._assessment.verdict

    @property
    def health(self) -> MonitorHealth:
        return self._notes.health

    @property
    def state(self) -> MonitorState:
        """What the catalogue tells besides Snapshots, as it is now."""
        recording, verdict, health = self.recording, self.verdict, self.health
        clients = self.clients.health
        metrics = self.metrics.counts
        return MonitorState(
            poll_period_seconds=self.poll_period,
            targets=len(self.targets),
            sampling_wanted=self.sampling_wanted,
            lost_recently=verdict.lost if verdict else None,
            recording_active=recording.active,
            recording_failed=bool(recording.error),
            recorded_polls=recording.polls,
            recorded_marks=recording.marks,
            recorded_bytes=recording.bytes,
            unrecorded_marks=self.unrecorded_marks,
            thread_restarts=health.thread_restarts,
            consumer_errors=health.consumer_errors,
            clients=clients.clients,
            client_reports_refused=clients.refused,
            metric_points=metrics.taken,
            metric_points_rejected=metrics.rejected,
            metric_series=metrics.series,
            canaries=self.canaries,
            links=self.links,
            marks=self._latest_marks.marks,
            processes=self._processes.processes,
            own=self._processes.own,
        )

    @property
    def own_process(self) -> OwnProcess | None:
        """What this process takes; None before the first poll."""
        return self._processes.own

    @property
    def telemetry_problems(self) -> tuple[str, ...]:
        """Why telemetry of processes is not complete, in sentences."""
        return self._processes.problems

    @property
    def canaries(self) -> tuple[CanaryFigures, ...]:
        """What the monitor's own subscriptions have seen until now."""
        return with_counters(self._canaries.figures, self._snapshot)

    @property
    def links(self) -> tuple[LinkFigures, ...]:
        """Which publishers are heard on this host, with ``ListenToHeartbeats``."""
        return self._heartbeats.figures if self._heartbeats is not None else ()

    @property
    def options(self) -> Options:
        """The options as they are now, with targets and poll period that were changed since."""
        return self._options

    @property
    def poll_period(self) -> float:
        """Seconds."""
        return self._options.poll_period

    @poll_period.setter
    def poll_period(self, seconds: float) -> None:
        with self._settings:
            self._options = replace(self._options, poll_period=seconds)
            self._poller.poll_period = seconds
            self._schedule.period_seconds = seconds

    @property
    def targets(self) -> tuple[str, ...]:
        return self._options.target_devices

    def add_target(self, target: str) -> None:
        """Monitor one more target from the next poll on, which is at once.

        Raises OptionError for what can be no target. One that is not known yet is no error: it may come.
        """
        check_target(target)
        with self._settings:
            if target.lower() not in (known.lower() for known in self.targets):
                self._set_targets((*self.targets, target))

    def remove_target(self, target: str) -> None:
        with self._settings:
            left = tuple(known for known in self.targets if known.lower() != target.lower())
            if left != self.targets:
                self._set_targets(left)

    def _set_targets(self, targets: tuple[str, ...]) -> None:
        self._options = replace(self._options, target_devices=targets)
        self._poller.set_targets(targets)
        self._schedule.wake()

    @property
    def sampling_wanted(self) -> bool:
        """Whether event timing is sampled: asked for by itself, or by a recording."""
        return self._performance_wanted or self._recorder.status.active

    def start_performance_monitoring(self) -> None:
        with self._settings:
            self._performance_wanted = True
            self._renew_sampling()

    def stop_performance_monitoring(self) -> None:
        """A recording under way goes on sampling until it ends."""
        with self._settings:
            self._performance_wanted = False
            self._renew_sampling()

    @property
    def recording(self) -> RecordingStatus:
        return self._recorder.status

    def start_recording(self, label: str) -> Path:
        """Begin a recording and return its path; that of the present one if there is one already.

        Raises RecordingError if the file cannot be made, or the disk still holds up the recording before;
        MissingExtraError without h5py.
        """
        path = self._recorder.start(
            label, lambda: recording_context(label, self._options, self.recorded_by), MAX_DISK_SECONDS
        )
        self._renew_sampling()
        return path

    def _record_on_start(self) -> None:
        """A recording that cannot begin is told by its status; monitoring begins all the same."""
        try:
            self.start_recording("")
        except StemError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message says it all

    def stop_recording(self) -> None:
        """Write the polls that wait and close the file; a disk that does not let that happen is told."""
        self._recorder.stop(STOP_SECONDS)
        self._renew_sampling()

    def mark(self, mark: Mark) -> MarkOutcome:
        """Stamp the time of reception on a mark of a run and record it; waits 1 s for the disk at most.

        Raises MonitorNotRunningError after ``stop``.
        """
        outcome = self._marks.take(mark)
        self._latest_marks.add(outcome.mark)
        for step in tuple(self._mark_steps):
            step(outcome.mark)
        return outcome

    @property
    def unrecorded_marks(self) -> int:
        """Marks that came while nothing was recorded, or could not be written."""
        return self._marks.unrecorded_total

    def reset_counters(self) -> None:
        """Let all totals begin at 0 again; the next poll, which is at once, shows it."""
        self._assessment.reset()
        self._schedule.wake()

    @property
    def disk_patience_seconds(self) -> float:
        """How long each poll may wait for a disk that keeps up; see ``Outlet.hand_over``."""
        return min(MAX_DISK_SECONDS, DISK_SHARE * self.poll_period)

    @property
    def outlets(self) -> tuple[OutletHealth, ...]:
        """How every outlet is doing now: the marks, the recording if there was one, then those added."""
        return (
            self._marks.outlet.health,
            *self._recorder.health,
            *self._takers.health,
        )

    def add_source(self, source: Source) -> None:
        """Count what this source knows of servers too, from the next poll on; closed with the monitor.

        See :class:`stem_device.polling.Source`.
        """
        self._poller.add_source(source)

    def add_consumer(
        self,
        consumer: Consumer[Snapshot] | Callable[[Snapshot], object],
        name: str = "",
        *,
        max_waiting: int = MAX_WAITING,
    ) -> Outlet[Snapshot]:
        """Pass every Snapshot on to ``consumer``, on a thread of its own, so that it costs no poll.

        See :class:`stem_device.outlets.Outlet`. Without a ``name`` it is called consumer-1, consumer-2, ...
        Raises OptionError if there is an outlet of this name.
        """
        return self._takers.add_consumer(consumer, name, max_waiting)

    def add_outlet(self, outlet: Outlet[Snapshot]) -> None:
        """Tell how this outlet is doing, and close it with the monitor; its owner offers it Snapshots.

        Raises OptionError if there is an outlet of this name.
        """
        self._takers.add_outlet(outlet)

    def at_each_poll(self, step: Step) -> None:
        """Have ``step`` called with every Snapshot as a part of the poll, on its thread.

        Only for what must see each one and waits for nothing: no disk, no network, nobody's reading.
        """
        self._takers.add_step(step)

    def at_each_mark(self, step: Callable[[Mark], object]) -> None:
        """Have ``step`` called with every mark, with its times, on the thread of who sent it.

        It must neither raise nor wait for anything.
        """
        self._mark_steps.append(step)

    def _renew_sampling(self) -> None:
        with self._settings:
            self._poller.set_sampling(self.sampling_wanted)
            self._schedule.wake()

    def _cycle(self, spare: bool) -> None:
        poll = self._poller.poll(overruns_total=self._schedule.overruns_total, spare=spare)
        polled = self._clock.monotonic_ns()
        snapshot, verdict = self._assessment.assess(poll)
        accounted = self._clock.monotonic_ns()
        seconds = (accounted - polled) / 1e9
        duration = poll.duration_seconds + seconds
        phases = structs.replace(
            poll.phases,
            account_seconds=seconds,
            record_seconds=self._record_seconds,
            publish_seconds=self._publish_seconds,
        )
        own = self._poll_durations.of(poll.started_utc_ns, duration, phases)
        snapshot = replace(
            snapshot,
            duration_seconds=duration,
            verdict=verdict.level.word,
            outlets=self.outlets,
            telemetry=self._processes.take(own),
            metrics=self.metrics.take(),
            phases=phases,
        )
        self._recorder.hand_over(snapshot, self.disk_patience_seconds)
        recorded = self._clock.monotonic_ns()
        self._snapshot = snapshot
        self._takers.publish(snapshot)
        self._record_seconds = (recorded - accounted) / 1e9
        self._publish_seconds = (self._clock.monotonic_ns() - recorded) / 1e9

    def _record_mark(self, mark: Mark) -> str:
        """Why it was not recorded, empty if it was. On the thread of the marks."""
        active = self._recordings.status.active
        try:
            recorded = self._recordings.mark(mark)
        except Exception as error:
            logger.exception("A mark could not be recorded")
            self._notes.note(error)
            return f"{type(error).__name__}: {error}"
        if active and not self._recordings.status.active:  # it failed just now: sampling was on for it alone
            self._renew_sampling()
        return "" if recorded else self._recordings.status.error or NOT_RECORDING


def own_events() -> Callable[[], str] | None:
    """Asks this process for its own subscriptions; None where this PyTango cannot (before 10.3)."""
    if not hasattr(tango.ApiUtil, "query_event_system"):
        return None
    return lambda: str(tango.ApiUtil.instance().query_event_system())


def _seconds_until(end: float) -> float:
    return max(0.0, end - time.monotonic())
