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

from stem_device.device.attributes import ATTRIBUTES
from stem_device.device.events import EventPusher
from stem_device.device.failures import dev_failed, not_working
from stem_device.device.marks import MARK_IN, MARK_OUT, NAMED_MARK_IN, mark_reply, parse_mark
from stem_device.device.presenter import Presenter
from stem_device.device.properties import PROPERTIES, parse_properties
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
from stem_device.device.summary import full_snapshot
from stem_device.device.tango_attributes import Reading, readings, table_base
from stem_device.device.text import tango_text
from stem_device.device.waiting import wait_for_database
from stem_device.errors import OptionError, StemError
from stem_device.model.mark import MarkKind
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from stem_device.recording.recorder import DEVICE, SERVER

logger = logging.getLogger(__name__)

T = TypeVar("T")

EXECUTABLE = "EventMonitor"
TOLD_VERSIONS = ("stem-device", "h5py", "numpy", "msgspec")
MAX_PATH_CHARACTERS = 4096
WITH_QUALITY = tuple(spec.name for spec in ATTRIBUTES if spec.quality)
"""Attributes that the verdict may rest on."""
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
        self._events = EventPusher(self)
        try:
            self._read_properties(problem)
            self._begin(parse_properties(self._raw_properties()))
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
        return {spec.name: getattr(self, spec.name) for spec in PROPERTIES}

    def _begin(self, options: Options) -> None:
        monitor = type(self).make_monitor(options)
        monitor.recorded_by = self._recorded_by()
        presenter = Presenter(monitor)
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
            view = presenter.view(event_errors=self._events.errors_total) if presenter else None
            current = readings(view)
            self._shown = {name: (one.value, now, one.quality) for name, one in current.items()}
            if presenter is None or view is None:
                state, status = DeviceState.FAULT, self._fault
            else:
                state, status = presenter.state(view), presenter.status(view, self._notes)
            self._events.push(current | self._state_and_status(state, status), now, polled=polled)

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
    wait_for_database(arguments)
    run((EventMonitor,), args=[EXECUTABLE, *arguments])
