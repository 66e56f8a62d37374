"""A device that pushes, subscribes and counts; run by the Python that is examined.

    python device_server.py INSTANCE

It imports nothing but PyTango, and runs with any version from 9.3 on.
"""

# Commands of Tango are UpperCamel, and its switches are plain booleans.
# ruff: noqa: FBT003, N802

import json
import threading
import time

import tango
from tango.server import Device, attribute, command, run

LONG_NAME = "a_very_long_name_of_more_than_31_characters"
PUSHED = ("number", "second", LONG_NAME)
HAS_ALARM_EVENTS = hasattr(tango.EventType, "ALARM_EVENT")


class Subscription:
    """One callback, and what it was called with."""

    def __init__(self, delay):
        self.delay = delay
        self.readings = 0  # in the thread that subscribed, or reconnected
        self.numbers = []
        self.errors = {}
        self.proxy = None
        self.handle = 0
        self._readers = {threading.get_ident()}

    def __call__(self, event):
        thread = threading.get_ident()
        if event.err:
            reason = event.errors[0].reason
            self.errors[reason] = self.errors.get(reason, 0) + 1
            if reason == "API_EventTimeout":
                self._readers.add(thread)
            return
        if thread in self._readers:
            self.readings += 1
            return
        value = getattr(event, "attr_value", None)
        self.numbers.append(value.value if value is not None else getattr(event, "ctr", 0))
        time.sleep(self.delay)


class Conformance(Device):
    """Publisher and subscriber in one."""

    def init_device(self):
        super().init_device()
        self._number = 0
        self._subscriptions = []
        self._stop = threading.Event()
        self._threads = []
        self._pushed = [0] * len(PUSHED)
        for name in PUSHED:
            self.set_change_event(name, True, False)
            self.set_archive_event(name, True, False)
            self.set_data_ready_event(name, True)
            if HAS_ALARM_EVENTS:
                self.set_alarm_event(name, True, False)

    @attribute(dtype=int)
    def number(self):
        return self._number

    @attribute(dtype=int)
    def second(self):
        return self._number

    @attribute(dtype=int)
    def a_very_long_name_of_more_than_31_characters(self):
        return self._number

    @command(dtype_in=[str])
    def Push(self, arguments):
        """Attribute, kind of event (change, archive, alarm, ready, error), number of events."""
        name, kind, count = arguments
        for _ in range(int(count)):
            self._number += 1
            self._push_one(name, kind, self._number)

    def _push_one(self, name, kind, number):
        if kind == "change":
            self.push_change_event(name, number)
        elif kind == "archive":
            self.push_archive_event(name, number)
        elif kind == "alarm":
            self.push_alarm_event(name, number)
        elif kind == "ready":
            self.push_data_ready_event(name, number)
        elif kind == "error":
            try:
                tango.Except.throw_exception("Conformance_Reason", "pushed on purpose", "here")
            except tango.DevFailed as error:
                self.push_change_event(name, error)

    @command
    def StartPushing(self):
        """Push change events of every attribute, each from a thread of its own."""
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._push_until_stop, args=(i,)) for i in range(len(PUSHED))
        ]
        for thread in self._threads:
            thread.start()

    def _push_until_stop(self, index):
        with tango.EnsureOmniThread():
            while not self._stop.is_set():
                self._pushed[index] += 1
                self.push_change_event(PUSHED[index], self._pushed[index])
                time.sleep(0.001)

    @command
    def StopPushing(self):
        """Tell those threads to end. It waits for none: they may wait for this device's monitor."""
        self._stop.set()

    @command(dtype_out=str)
    def Pushed(self):
        """How many events of each attribute were pushed from threads; empty while one still pushes."""
        if any(thread.is_alive() for thread in self._threads):
            return ""
        return json.dumps(dict(zip(PUSHED, self._pushed, strict=True)))

    @command
    def ChangeConfiguration(self):
        """One attribute configuration event of ``number``."""
        target = self.get_device_attr().get_attr_by_name("number")
        properties = target.get_properties()
        properties.label = f"changed {time.monotonic_ns()}"
        target.set_properties(properties)

    @command
    def AddAttribute(self):
        """One interface change event."""
        name = f"added{time.monotonic_ns()}"
        self.add_attribute(tango.Attr(name, tango.DevLong, tango.AttrWriteType.READ), self._read_added)

    def _read_added(self, attr):
        attr.set_value(0)

    @command(dtype_in=[str], dtype_out=int)
    def Subscribe(self, arguments):
        """Device, attribute ("" for interface changes), event, how (plain, queue, stateless), delay (s)."""
        device, name, kind, how, delay = arguments
        subscription = Subscription(float(delay))
        subscription.proxy = tango.DeviceProxy(device)
        subscribe = subscription.proxy.subscribe_event
        event = getattr(tango.EventType, kind)
        if not name:
            subscription.handle = subscribe(event, subscription)
        elif how == "queue":
            subscription.handle = subscribe(name, event, 1000)
        else:
            subscription.handle = subscribe(name, event, subscription, [], how == "stateless")
        self._subscriptions.append(subscription)
        return len(self._subscriptions) - 1

    @command(dtype_in=int)
    def Unsubscribe(self, index):
        subscription = self._subscriptions[index]
        subscription.proxy.unsubscribe_event(subscription.handle)

    @command(dtype_in=[str])
    def SetDelay(self, arguments):
        self._subscriptions[int(arguments[0])].delay = float(arguments[1])

    @command(dtype_in=int, dtype_out=str)
    def Counted(self, index):
        """What a callback was called with: readings, numbers of the events, errors by reason."""
        subscription = self._subscriptions[index]
        counted = {
            "readings": subscription.readings,
            "numbers": subscription.numbers,
            "errors": subscription.errors,
        }
        return json.dumps(counted)

    @command(dtype_in=int, dtype_out=int)
    def ReceivedCount(self, index):
        """Events a callback got over the wire."""
        return len(self._subscriptions[index].numbers)

    @command(dtype_out=str)
    def Versions(self):
        """The versions of PyTango and of cppTango."""
        return json.dumps([tango.Release.version_long, tango.constants.TgLibVers])


if __name__ == "__main__":
    run((Conformance,))
