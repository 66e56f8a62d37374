"""Two devices that know the truth: one counts what it pushes, the other what it is called with.

``python -m stem_device.demo.devices INSTANCE`` runs the server ``StemDemo/INSTANCE`` with the devices
of both classes that the database knows for it. The demo shows them, the system tests measure with them.

The value of every pushed event is its consecutive number, so that the subscriber knows exactly which
events it never got.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import tango
from tango.server import Device, attribute, command, run

SERVER = "StemDemo"
NUMBERED = ("number", "second", "third")
WAVEFORM = "waveform"
WAVEFORM_LENGTH = 512
"""Values in one waveform; an event of it has 4 kB, so that queues are full after a few thousand."""


class Publisher(Device):
    """Pushes numbered events, in a command or in the background, and counts them by stream.

    Attributes ``number``, ``second`` and ``third`` hold the number of the last step; a step pushes that
    number on every event type asked for. ``waveform`` begins with that number and is large; it has change
    events alone. ``steady`` is for polling: each reading is one more.
    """

    def init_device(self) -> None:
        super().init_device()  # type: ignore[no-untyped-call]
        self._numbers: Counter[str] = Counter()
        self._pushed: Counter[str] = Counter()
        self._readings = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        for name in (*NUMBERED, WAVEFORM):
            # All three together: with one of them missing, a client that subscribes to it breaks the push.
            self.set_change_event(name, True, False)
            self.set_archive_event(name, True, False)
            self.set_alarm_event(name, True, False)
            self.set_data_ready_event(name, True)

    def delete_device(self) -> None:
        self.StopPushing()

    @attribute(dtype=int, unit="1", doc="Number of the last step of this attribute.")
    def number(self) -> int:
        return self._numbers["number"]

    @attribute(dtype=int, unit="1", doc="Number of the last step of this attribute.")
    def second(self) -> int:
        return self._numbers["second"]

    @attribute(dtype=int, unit="1", doc="Number of the last step of this attribute.")
    def third(self) -> int:
        return self._numbers["third"]

    @attribute(dtype=(int,), max_dim_x=WAVEFORM_LENGTH, unit="1", doc="Its last step's number, then zeros.")
    def waveform(self) -> np.ndarray[Any, Any]:
        return _waveform(self._numbers[WAVEFORM])

    @attribute(dtype=int, unit="1", doc="How often it was read; poll it for periodic events.")
    def steady(self) -> int:
        self._readings += 1
        return self._readings

    @command(
        dtype_in=(str,),
        doc_in="attribute, event types (change, archive, alarm, user, ready; joined by commas), steps",
    )
    def Push(self, arguments: list[str]) -> None:
        """Push as fast as possible; return when done."""
        name, kinds, steps = arguments
        step = self._step(name, kinds)
        for _ in range(int(steps)):
            step()

    @command(
        dtype_in=(str,),
        doc_in="as Push; steps 0: until StopPushing; then seconds between two steps, 0: as fast as possible",
    )
    def PushInBackground(self, arguments: list[str]) -> None:
        """Push from a thread of its own; return at once."""
        name, kinds, steps, period = arguments
        if self._stop.is_set():
            self._stop = threading.Event()
        thread = threading.Thread(
            target=_push_steps,
            args=(self._step(name, kinds), int(steps), float(period), self._stop),
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    @command
    def StopPushing(self) -> None:
        """End all background pushing; nothing is pushed once this has returned."""
        self._stop.set()
        threads, self._threads = self._threads, []
        # The pushing threads may need this device's monitor for their last step: wait without it.
        with tango.AutoTangoAllowThreads(self):
            for thread in threads:
                thread.join()

    @command(dtype_out=bool)
    def IsPushing(self) -> bool:
        """Whether a background thread still has steps to do."""
        return any(thread.is_alive() for thread in self._threads)

    @command(dtype_out=str, doc_out='JSON: {"number.change": events pushed, ...}')
    def Pushed(self) -> str:
        """Count what was pushed in the life of this process, by stream."""
        return json.dumps(self._pushed)

    @command(dtype_in=(str,), doc_in="attribute, times")
    def ChangeConfiguration(self, arguments: list[str]) -> None:
        """Give the attribute a new label so many times: one attribute configuration event each."""
        name, times = arguments
        target = self.get_device_attr().get_attr_by_name(name)
        for _ in range(int(times)):
            self._pushed[f"{name}.attr_conf"] += 1
            properties = target.get_properties()
            properties.label = f"{name} {self._pushed[f'{name}.attr_conf']}"
            target.set_properties(properties)

    @command(dtype_in=str, doc_in="name of a new attribute, or of one added before")
    def ToggleAttribute(self, name: str) -> None:
        """Add or remove an attribute: one interface change event."""
        self._pushed["intr_change"] += 1
        if name in [
            self.get_device_attr().get_attr_by_ind(i).get_name() for i in range(self._attribute_count())
        ]:
            self.remove_attribute(name)
        else:
            self.add_attribute(tango.server.attribute(name=name, dtype=int, fget=self._read_added))

    def _attribute_count(self) -> int:
        return int(self.get_device_attr().get_attr_nb())

    def _read_added(self, _attribute: object) -> int:
        return 0

    def _step(self, name: str, kinds: str) -> Callable[[], None]:
        """One push on every kind of event, all with the attribute's next number."""
        pushes = [(f"{name}.{_STREAMS[kind]}", self._push_one(name, kind)) for kind in kinds.split(",")]

        def step() -> None:
            number = self._numbers[name] = self._numbers[name] + 1
            for stream, push in pushes:
                push(number)
                self._pushed[stream] += 1

        return step

    def _push_one(self, name: str, kind: str) -> Callable[[int], None]:
        match kind:
            case "change":
                if name == WAVEFORM:
                    return lambda number: self.push_change_event(name, _waveform(number))
                return lambda number: self.push_change_event(name, number)
            case "archive":
                return lambda number: self.push_archive_event(name, number)
            case "alarm":
                return lambda number: self.push_alarm_event(name, number)
            case "user":
                return lambda number: self.push_event(name, [], [], number)
            case "ready":
                return lambda number: self.push_data_ready_event(name, number)
        raise ValueError(kind)


_STREAMS = {
    "change": "change",
    "archive": "archive",
    "alarm": "alarm",
    "user": "user_event",
    "ready": "data_ready",
}


def _waveform(number: int) -> np.ndarray[Any, Any]:
    values = np.zeros(WAVEFORM_LENGTH, np.int64)
    values[0] = number
    return values


def _push_steps(step: Callable[[], None], steps: int, period: float, stop: threading.Event) -> None:
    """Do ``steps`` steps (0: no end), each ``period`` seconds after the one before."""
    with tango.EnsureOmniThread():
        deadline = time.monotonic()
        done = 0
        while not stop.is_set() and (not steps or done < steps):
            step()
            done += 1
            deadline += period
            if period:
                stop.wait(max(0.0, deadline - time.monotonic()))


@dataclass
class Truth:
    """What one callback was called with.

    ``synchronous`` counts values that no publisher pushed: the readings at subscription and after a
    reconnection. ``gaps`` and ``missing`` are jumps in the numbers and the events missing in them;
    ``restarts`` counts numbers that began anew. ``errors`` is by reason.
    """

    device: str
    attribute: str
    event_type: str
    delay_seconds: float = 0.0
    active: bool = True
    events: int = 0
    synchronous: int = 0
    gaps: int = 0
    missing: int = 0
    restarts: int = 0
    last_number: int | None = None
    errors: dict[str, int] = field(default_factory=dict)

    def error(self, reason: str) -> None:
        """Count an error event."""
        self.errors[reason] = self.errors.get(reason, 0) + 1

    def number(self, number: int) -> None:
        """Judge the number of an event that came over the wire."""
        if self.last_number is not None and number <= self.last_number:
            self.restarts += 1
            self.last_number = 0
        if self.last_number is not None and number > self.last_number + 1:
            self.gaps += 1
            self.missing += number - self.last_number - 1
        self.last_number = number


class Subscriber(Device):
    """Subscribes on command, as slowly as told, and counts what its callbacks were called with."""

    def init_device(self) -> None:
        super().init_device()  # type: ignore[no-untyped-call]
        self._truths: list[Truth] = []
        self._handles: list[tuple[tango.DeviceProxy, int] | None] = []
        self._proxies: dict[str, tango.DeviceProxy] = {}

    def delete_device(self) -> None:
        self.UnsubscribeAll()

    @command(
        dtype_in=(str,),
        dtype_out=int,
        doc_in="device, attribute ('' for interface changes), event type as CHANGE_EVENT, delay in seconds",
        doc_out="number of this callback",
    )
    def Subscribe(self, arguments: list[str]) -> int:
        """Subscribe with a callback of its own that takes ``delay`` seconds for every event."""
        device, name, event_type, delay = arguments
        proxy = self._proxies.setdefault(device, tango.DeviceProxy(device))
        truth = Truth(device, name, event_type, float(delay))
        kind = getattr(tango.EventType, event_type)
        callback = _callback(truth, self.spend)
        subscribe = (kind, callback) if not name else (name, kind, callback)
        handle = proxy.subscribe_event(*subscribe)
        self._truths.append(truth)
        self._handles.append((proxy, handle))
        return len(self._truths) - 1

    def spend(self, truth: Truth) -> None:
        """Take as long as a callback was told to."""
        if truth.delay_seconds:
            time.sleep(truth.delay_seconds)

    @command(dtype_in=int, doc_in="number of a callback")
    def Unsubscribe(self, index: int) -> None:
        """Unsubscribe one callback; its counts stay."""
        handle, self._handles[index] = self._handles[index], None
        if handle is not None:
            handle[0].unsubscribe_event(handle[1])
            self._truths[index].active = False

    @command
    def UnsubscribeAll(self) -> None:
        """Unsubscribe every callback."""
        for index in range(len(self._handles)):
            self.Unsubscribe(index)

    @command(dtype_in=(str,), doc_in="number of a callback, delay in seconds")
    def SetDelay(self, arguments: list[str]) -> None:
        """Change how long a callback takes, from its next event on."""
        self._truths[int(arguments[0])].delay_seconds = float(arguments[1])

    @command(dtype_out=str, doc_out="JSON list, one object for each callback in the order of Subscribe")
    def Counts(self) -> str:
        """What every callback was called with so far."""
        return json.dumps([asdict(truth) for truth in self._truths])


def _callback(truth: Truth, spend: Callable[[Truth], None]) -> Callable[[Any], None]:
    """A callback that counts in ``truth``, and does with each event what ``spend`` does.

    cppTango calls it from three threads: the subscribing one with a first reading; the one that keeps
    connections alive with API_EventTimeout and, connected again, with a reading; the one that receives.
    Only the last one brings what a publisher has pushed (errors too), and API_MissedEvents of its own.
    """
    reading_threads = {threading.get_ident()}

    def callback(event: Any) -> None:
        thread = threading.get_ident()
        if event.err:
            reason = event.errors[0].reason
            truth.error(reason)
            if reason == "API_EventTimeout":
                reading_threads.add(thread)
            elif reason != "API_MissedEvents" and thread not in reading_threads:
                truth.events += 1
        elif thread in reading_threads:
            truth.synchronous += 1
            if truth.last_number is None:
                truth.last_number = _number(event)
        else:
            truth.events += 1
            number = _number(event)
            if number is not None:
                truth.number(number)
            spend(truth)

    return callback


def _number(event: Any) -> int | None:
    """The consecutive number an event carries; None if it carries none."""
    if isinstance(event, tango.EventData):
        value: Any = event.attr_value
        return int(value.value[0] if isinstance(value.value, np.ndarray) else value.value)
    if isinstance(event, tango.DataReadyEventData):
        return int(event.ctr)
    if isinstance(event, tango.AttrConfEventData):
        label = str(event.attr_conf.label).rsplit(" ", 1)[-1]
        return int(label) if label.isdigit() else 0
    return None


def main(arguments: list[str] | None = None) -> None:
    """Run the server; ``arguments`` without the name of the program."""
    run([Publisher, Subscriber], args=[SERVER, *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    main()
