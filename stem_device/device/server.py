"""The Tango device ``EventMonitor``: properties in, attributes, events and commands out.

Locks, always taken in this order: ``_publishing`` of this module, then Tango's monitor of the device. Tango
calls every method with the latter taken, and the poll thread needs it to push events. Whatever waits for
the Monitor is therefore done inside ``AutoTangoAllowThreads``, which gives it back for so long; clients can
read meanwhile.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, TypeVar

import tango
from tango.server import command, run

from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.device.attributes import ATTRIBUTES
from stem_device.device.clients import REPORT_IN, REPORT_OUT, report_answer
from stem_device.device.diagnoses import DOCTOR_IN, DOCTOR_OUT, Diagnoses
from stem_device.device.dynamic_attributes import MetricAttributes
from stem_device.device.events import WITH_EVENTS, EventPusher
from stem_device.device.failures import dev_failed, not_working
from stem_device.device.marks import MARK_IN, MARK_OUT, NAMED_MARK_IN, mark_reply, parse_mark
from stem_device.device.metric_attributes import (
    METRIC_IN,
    METRIC_NAME_IN,
    METRIC_OUT,
    parse_metric_attributes,
    with_line,
    without_name,
)
from stem_device.device.metric_attributes import PROPERTY as METRICS_PROPERTY
from stem_device.device.presenter import Presenter
from stem_device.device.property_database import (
    NO_DATABASE,
    PROPERTY,
    PropertyDatabase,
    has_database,
    lost_note,
    unread_note,
)
from stem_device.device.shutdown import wait_for_calls
from stem_device.device.state import DeviceState
from stem_device.device.status import fault_status
from stem_device.device.summary import topology_document
from stem_device.device.tango_attributes import Reading, readings, table_base
from stem_device.device.text import tango_text
from stem_device.device.waiting import wait_for_database
from stem_device.errors import OptionError, StemError
from stem_device.exporting import attach_exporters, take_short_turns
from stem_device.model.mark import MarkKind
from stem_device.model.options import OPTIONS, Options
from stem_device.model.snapshot import NO_METRICS, Snapshot
from stem_device.monitor import Monitor
from stem_device.recording.recorder import DEVICE, SERVER
from stem_device.web import serve_monitor

logger = logging.getLogger(__name__)

T = TypeVar("T")

EXECUTABLE = "EventMonitor"
TOLD_VERSIONS = ("stem-device", "h5py", "numpy", "msgspec")
MAX_PATH_CHARACTERS = 4096
WITH_QUALITY = tuple(spec.name for spec in ATTRIBUTES if spec.quality)
"""Attributes that the verdict may rest on."""
ADD_DATA_IN = "JSON array of points: metric, value, timestamp, tags; see docs/reference/user-metrics.md"
ADD_DATA_OUT = "JSON object: success and failed (numbers of points), errors (metric, points, error)"
BETWEEN_LIVES = "Init is under way; call again when it has returned."

TableDevice: Any = table_base(
    lambda device, name: device.show(name), lambda device, name, value: device.write(name, value)
)


class EventMonitor(TableDevice):
    """Counts the events that Tango servers publish, receive and miss."""

    make_monitor: ClassVar[Callable[[Options], Monitor]] = Monitor

    _presenter: Presenter | None = None
    _told: tuple[tango.DevState, str] = (tango.DevState.INIT, "Starting.")
    _asking_tango = False

    def init_device(self) -> None:
        """Never raises: what is wrong is told by State FAULT and Status, and Init mends it."""
        if not hasattr(self, "_publishing"):
            self._first_init()
        problem = self._database_problem()
        while self._presenter is not None:  # another Init went first while the monitor was given back
            self._end()
        self._notes: tuple[str, ...] = ()
        self._fault = ""
        self._events = EventPusher(self, self._metrics.names)
        try:
            self._read_properties(problem)
            self._begin(Options.from_lines(self._raw_properties()))
        except StemError as error:
            self._fail(str(error))
        except tango.DevFailed as error:
            self._fail(f"the properties cannot be read: {error.args[0].desc}")
        except Exception as error:
            logger.exception("init_device failed")
            self._fail(f"{type(error).__name__}: {error}")
        with tango.AutoTangoAllowThreads(self):
            self._publish(polled=False)

    def delete_device(self) -> None:
        """End polling, sampling and recording: for Init, and when TERM or Ctrl-C ends the server."""
        presenter = self._presenter
        self._end()
        if presenter is not None and tango.Util.instance().is_svr_shutting_down():
            wait_for_calls(presenter.monitor.options.target_timeout)

    def _first_init(self) -> None:
        # A process whose first proxy is made on a thread of its own can crash at its first event.
        tango.ApiUtil.instance()
        self._publishing = threading.Lock()
        self._shown: dict[str, tuple[Any, float, tango.AttrQuality]] = {}
        self._database = PropertyDatabase()
        self._diagnoses = Diagnoses()
        self._metrics = MetricAttributes(self, self.read_metric)
        self._properties_known = False
        for package in TOLD_VERSIONS:
            try:
                self.add_version_info(package, version(package))
            except PackageNotFoundError:  # an optional part
                continue

    def _database_problem(self) -> str:
        """Why the properties should not be read again now. Once they are known there is no need to insist."""
        if not self._properties_known:
            return ""
        with tango.AutoTangoAllowThreads(self):
            problem = self._database.problem()
        return "" if problem == NO_DATABASE else problem

    def _read_properties(self, problem: str) -> None:
        """From the database; Init while that is down goes on with those read last, and Status says so."""
        if problem:
            self._notes = (unread_note(problem),)
            return
        super().init_device()
        self._properties_known = True

    def _recorded_by(self) -> dict[str, str]:
        """What recordings say of their maker: the same device of another database is another one."""
        place = tango.ApiUtil.get_env_var("TANGO_HOST") if has_database() else f"{socket.gethostname()}:nodb"
        return {DEVICE: f"tango://{place}/{self.get_name()}", SERVER: tango.Util.instance().get_ds_name()}

    def _raw_properties(self) -> dict[str, Sequence[str] | None]:
        return {spec.name: getattr(self, spec.name) for spec in OPTIONS}

    def _begin(self, options: Options) -> None:
        monitor = type(self).make_monitor(options)
        monitor.recorded_by = self._recorded_by()
        self._set_metrics(lambda _: options.metric_attributes)
        attach_exporters(monitor)
        presenter = Presenter(monitor, serve_monitor(monitor) if options.http_address else None)
        self._show_set_point(options.poll_period)
        monitor.at_each_poll(lambda snapshot: self._take(presenter, snapshot))
        self._presenter = presenter
        monitor.start()

    def _fail(self, reason: str) -> None:
        self._end()
        self._fault = fault_status(reason)

    def _end(self) -> None:
        presenter, self._presenter = self._presenter, None
        if presenter is not None:
            with tango.AutoTangoAllowThreads(self):
                presenter.monitor.stop()

    def _take(self, presenter: Presenter, snapshot: Snapshot) -> None:
        """Consume a Snapshot, on the poll thread."""
        presenter.take(snapshot)
        self._publish(polled=True)

    def _publish(self, *, polled: bool) -> None:
        """Show the present view and push its events. The caller must not hold Tango's monitor."""
        with self._publishing:
            presenter, now = self._presenter, time.time()
            if presenter is None and not self._fault:
                return  # between the end of one life and the beginning of the next
            self._metrics.see(presenter.metrics if presenter else NO_METRICS)
            view = (
                presenter.view(event_errors=self._events.errors_total, metric_errors=self._metrics.errors)
                if presenter
                else None
            )
            current = readings(view)
            self._shown = {name: (one.value, now, one.quality) for name, one in current.items()}
            if presenter is None or view is None:
                state, status = DeviceState.FAULT, self._fault
            else:
                state, status = presenter.state(view), presenter.status(view, self._notes)
            self._events.push(current | self._state_and_status(state, status), now, polled=polled)
            self._metrics.push(self._events, polled=polled)

    def _state_and_status(self, state: DeviceState, status: str) -> dict[str, Reading]:
        """Decide what clients read as State and Status until the next time, and return it."""
        with tango.AutoTangoMonitor(self):
            if state in {DeviceState.ON, DeviceState.ALARM}:
                state, status = self._with_limits(state, status)
            self._told = getattr(tango.DevState, state), status
            self.set_state(self._told[0])
            self.set_status(status)
        valid = tango.AttrQuality.ATTR_VALID
        return {"State": Reading(self._told[0], valid), "Status": Reading(status, valid)}

    def _with_limits(self, state: DeviceState, status: str) -> tuple[DeviceState, str]:
        """Let Tango check the alarm limits of the attributes, whoever set them."""
        self._asking_tango = True
        try:
            self._renew_qualities()
            # Asked with ON: Tango looks at no limit when the device itself said ALARM.
            self.set_state(tango.DevState.ON)
            self.set_status(status)
            beyond = self.dev_state() == tango.DevState.ALARM
            return DeviceState.ALARM if beyond else state, str(self.dev_status())
        finally:
            self._asking_tango = False

    def _renew_qualities(self) -> None:
        """Tango looks at the qualities as they were last read, in an alarm that is over by now, say."""
        attributes = self.get_device_attr()
        for name in WITH_QUALITY:
            attributes.get_attr_by_name(name).set_quality(self._shown[name][2])

    def dev_state(self) -> tango.DevState:
        """Answer as was pushed last, so that State read and State pushed are the same."""
        return super().dev_state() if self._asking_tango else self._told[0]

    def dev_status(self) -> str:
        return str(super().dev_status()) if self._asking_tango else self._told[1]

    def show(self, name: str) -> tuple[Any, float, tango.AttrQuality]:
        """Answer a read from the last view."""
        return self._shown[name]

    def read_metric(self, attribute: Any) -> tuple[float, float, tango.AttrQuality]:
        """Answer a read of an attribute that MetricAttributes asks for."""
        return self._metrics.show(attribute.get_name())

    def _set_metrics(self, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> tuple[str, ...]:
        """Show the metrics that ``change`` makes of the lines there are, and return them.

        The caller has Tango's monitor. Raises OptionError.
        """
        with tango.AutoTangoAllowThreads(self), self._publishing, tango.AutoTangoMonitor(self):
            lines = change(tuple(one.line for one in self._metrics.wanted))
            self._metrics.change(parse_metric_attributes(lines, WITH_EVENTS), self._events)
            return lines

    def write(self, name: str, value: float) -> None:
        """``pollPeriod`` is the only attribute that can be written."""

        def change(monitor: Monitor) -> None:
            monitor.poll_period = value

        self._act(name, change)

    def _show_set_point(self, seconds: float) -> None:
        """What a panel shows beside the value of pollPeriod, before anybody has written it."""
        self.get_device_attr().get_w_attr_by_name("pollPeriod").set_write_value(seconds)

    def _act(self, name: str, action: Callable[[Monitor], T]) -> T:
        """Do what a client asked for, without holding up others, and show its outcome."""
        presenter = self._presenter
        if presenter is None:
            raise not_working(self._fault or BETWEEN_LIVES, name)
        with tango.AutoTangoAllowThreads(self):
            try:
                return action(presenter.monitor)
            except StemError as error:
                raise dev_failed(error, name) from error
            finally:
                self._publish(polled=False)

    @command(
        dtype_in=str,
        doc_in="Label that becomes part of the file name and is kept in the file; may be empty",
        dtype_out=str,
        doc_out="Path of the recording; that of the present one if there is one already",
    )
    def StartRecording(self, label: str) -> str:
        """Switch sampling on where possible, and record every poll to a file in RecordingDirectory."""
        path = self._act("StartRecording", lambda monitor: monitor.start_recording(label))
        return tango_text(str(path), MAX_PATH_CHARACTERS)

    @command(doc_in="Nothing", doc_out="Nothing")
    def StopRecording(self) -> None:
        """Close the recording and switch off the sampling that it switched on."""
        self._act("StopRecording", lambda monitor: monitor.stop_recording())

    @command(doc_in="Nothing", doc_out="Nothing")
    def StartPerformanceMonitoring(self) -> None:
        """Sample event timing on the targets, until StopPerformanceMonitoring, Init or the end."""
        self._act("StartPerformanceMonitoring", lambda monitor: monitor.start_performance_monitoring())

    @command(doc_in="Nothing", doc_out="Nothing")
    def StopPerformanceMonitoring(self) -> None:
        """End sampling where this device switched it on; a recording goes on sampling."""
        self._act("StopPerformanceMonitoring", lambda monitor: monitor.stop_performance_monitoring())

    @command(doc_in="Nothing", dtype_out="DevULong64", doc_out="Number of the poll; see pollNumber")
    def Poll(self) -> int:
        """Poll now; returns when it is done. With a target that hangs this takes TargetTimeout."""
        return self._act("Poll", lambda monitor: monitor.poll_now().poll)

    @command(doc_in="Nothing", doc_out="Nothing")
    def ResetCounters(self) -> None:
        """Let all totals count from 0 again; the poll that follows at once shows it."""
        self._act("ResetCounters", lambda monitor: monitor.reset_counters())

    @command(
        dtype_in=str,
        doc_in="Device or admin device, with * as wildcard, or a full name with tango://host:port/",
        dtype_out=str,
        doc_out="What was done, and whether it was kept in the property TargetDevices",
    )
    def AddTarget(self, target: str) -> str:
        """Monitor one more target from now on, and keep it in the property TargetDevices."""
        return self._act("AddTarget", lambda monitor: self._keep(monitor, monitor.add_target, target))

    @command(
        dtype_in=str,
        doc_in="One line of TargetDevices, as it was given; see the attribute targets",
        dtype_out=str,
        doc_out="What was done, and whether it was kept in the property TargetDevices",
    )
    def RemoveTarget(self, target: str) -> str:
        """Monitor this target no longer, and take it out of the property TargetDevices."""
        return self._act("RemoveTarget", lambda monitor: self._keep(monitor, monitor.remove_target, target))

    @command(
        doc_in="Nothing",
        dtype_out=str,
        doc_out="JSON, schema stem-device.snapshot version 2: all servers, streams, subscriptions and "
        "samples",
    )
    def QuerySnapshot(self) -> str:
        """Return everything that the latest poll brought, as JSON; empty object before the first poll."""
        return self._act(
            "QuerySnapshot",
            lambda monitor: full_snapshot(monitor.snapshot) if monitor.snapshot else "{}",
        )

    @command(
        doc_in="Nothing",
        dtype_out=str,
        doc_out="JSON, schema stem-device.topology version 1: streams with their subscribers, and restarts",
    )
    def QueryTopology(self) -> str:
        """Return who publishes what to whom, and what a restart of each server would interrupt."""
        presenter = self._presenter
        return topology_document(presenter.topology() if presenter else None)

    @command(dtype_in=str, doc_in=ADD_DATA_IN, dtype_out=str, doc_out=ADD_DATA_OUT)
    def AddData(self, batch: str) -> str:
        """Take points of users' metrics; they are recorded, exported and shown with the next poll."""
        presenter = self._presenter
        if presenter is None:
            raise not_working(self._fault or BETWEEN_LIVES, "AddData")
        with tango.AutoTangoAllowThreads(self):
            try:
                return presenter.monitor.metrics.add_json(batch, "AddData").json().decode()
            except StemError as error:
                raise dev_failed(error, "AddData") from error

    @command(dtype_in=str, doc_in=METRIC_IN, dtype_out=str, doc_out=METRIC_OUT)
    def AddMetricAttribute(self, line: str) -> str:
        """Show a metric of users as an attribute, and keep it in the property MetricAttributes."""
        return self._change_metrics("AddMetricAttribute", lambda lines: with_line(lines, line))

    @command(dtype_in=str, doc_in=METRIC_NAME_IN, dtype_out=str, doc_out=METRIC_OUT)
    def RemoveMetricAttribute(self, name: str) -> str:
        """Remove such an attribute, and take it out of the property MetricAttributes."""
        return self._change_metrics("RemoveMetricAttribute", lambda lines: without_name(lines, name))

    def _change_metrics(self, origin: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> str:
        presenter = self._presenter
        if presenter is None:
            raise not_working(self._fault or BETWEEN_LIVES, origin)
        try:
            lines = self._set_metrics(change)
        except StemError as error:
            raise dev_failed(error, origin) from error
        self.MetricAttributes = list(lines)  # for an Init while the database is down
        with tango.AutoTangoAllowThreads(self):
            self._publish(polled=False)
            problem = self._database.keep(self.get_name(), METRICS_PROPERTY, lines)
        shown = f"{len(lines)} metrics are attributes now"
        again = "call AddMetricAttribute with any line that is there already"
        note = lost_note(problem, METRICS_PROPERTY, again) if problem else f"kept in {METRICS_PROPERTY}."
        return tango_text(f"{shown}, {'but ' if problem else ''}{note}", MAX_PATH_CHARACTERS)

    @command(dtype_in=str, doc_in=DOCTOR_IN, dtype_out=str, doc_out=DOCTOR_OUT)
    def Doctor(self, question: str) -> str:
        """Say why no events of an attribute arrive, as stem doctor does; ask again while it is running."""
        with tango.AutoTangoAllowThreads(self):  # polls and other clients go on meanwhile
            try:
                return self._diagnoses.ask(question)
            except StemError as error:
                raise dev_failed(error, "Doctor") from error

    @command(dtype_in=str, doc_in=REPORT_IN, dtype_out=str, doc_out=REPORT_OUT)
    def ReportClient(self, report: str) -> str:
        """Take what a client that is no device server says of its subscriptions; polls count it."""
        presenter = self._presenter
        if presenter is None:
            raise not_working(self._fault or BETWEEN_LIVES, "ReportClient")
        with tango.AutoTangoAllowThreads(self):  # not _act: many clients report, and nothing is to be shown
            try:
                return report_answer(presenter.monitor.clients.take(report))
            except StemError as error:
                raise dev_failed(error, "ReportClient") from error

    @command(dtype_in=str, doc_in=MARK_IN, dtype_out=str, doc_out=MARK_OUT)
    def BeginRun(self, mark: str) -> str:
        """A run begins."""
        return self._mark("BeginRun", MarkKind.BEGIN, mark)

    @command(dtype_in=str, doc_in=NAMED_MARK_IN, dtype_out=str, doc_out=MARK_OUT)
    def Mark(self, mark: str) -> str:
        """A run reached a point."""
        return self._mark("Mark", MarkKind.MARK, mark)

    @command(dtype_in=str, doc_in=MARK_IN, dtype_out=str, doc_out=MARK_OUT)
    def EndRun(self, mark: str) -> str:
        """A run ended; the key error says what went wrong, if anything did."""
        return self._mark("EndRun", MarkKind.END, mark)

    def _mark(self, name: str, kind: MarkKind, text: str) -> str:
        return self._act(name, lambda monitor: mark_reply(monitor.mark(parse_mark(kind, text))))

    def _keep(self, monitor: Monitor, change: Callable[[str], None], target: str) -> str:
        target = target.strip()
        if not target:
            raise OptionError(PROPERTY, target, "a target must not be empty")
        before = monitor.targets
        change(target)
        targets = monitor.targets
        done = "Nothing had to be changed" if targets == before else f"Changed; {len(targets)} targets now"
        self.TargetDevices = list(targets)  # for an Init while the database is down
        problem = self._database.keep_targets(self.get_name(), targets)
        if not problem:
            self._notes = ()
            return f"{done}, kept in {PROPERTY}."
        self._notes = (f"The targets were changed, but {lost_note(problem)}",)
        return tango_text(f"{done}, but {lost_note(problem)}", MAX_PATH_CHARACTERS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the device server until it is told to end. A database that is down is waited for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    take_short_turns()
    wait_for_database(arguments)
    run((EventMonitor,), args=[EXECUTABLE, *arguments])
