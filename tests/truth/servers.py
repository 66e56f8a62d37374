"""Publisher and subscriber that write down what they do: ``python -m tests.truth.servers INSTANCE``.

Environment: ``TRUTH_PUSH`` (``a0:100,a1:5``: events per second and attribute, from the start on),
``TRUTH_SUBSCRIBE`` (``DEVICE a0,a1``: subscribed to in ``init_device``, as most servers do) and
``TRUTH_GATE`` (a file: while it says ``hold`` every callback waits; a number is how many seconds each takes).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tango
from tango.server import Device, attribute, command, run

from tests.truth.journal import LIFE, READING, Journal

SERVER = "StemTruth"
ATTRIBUTES = tuple(f"a{number}" for number in range(24))
CONSTANT = 7
PERIODIC = ("double_scalar",)
"""Attributes of Debian's TangoTest, which has no other events without a configuration."""
HOLD = "hold"
BIG = "big"
BIG_LENGTH = 2000
"""An event of 16 kB: a few hundred of them fill every queue between two processes. From 2048 values on,
cppTango sends without a copy, and a push waits for the queue instead of losing events."""


class TruthPublisher(Device):
    """Pushes numbered change events, in a command or all the time."""

    def init_device(self) -> None:
        super().init_device()
        if not hasattr(self, "_journal"):
            self._journal = Journal()
            self._journal.write("begin", "-")
            self._numbers: dict[str, int] = {}
            self._threads: dict[str, threading.Event] = {}
        for name in (*ATTRIBUTES, BIG):
            if name in ATTRIBUTES:
                self.add_attribute(attribute(name=name, dtype=int, fget=self._read))
            self._declare(name)
        for pair in filter(None, os.environ.get("TRUTH_PUSH", "").split(",")):
            self.Rate(pair.split(":"))

    def _declare(self, name: str) -> None:
        self.set_change_event(name, True, False)
        self.set_archive_event(name, True, False)
        if hasattr(self, "set_alarm_event"):
            self.set_alarm_event(name, True, False)

    def _read(self, _attribute: object) -> int:
        return READING

    @attribute(dtype=(int,), max_dim_x=BIG_LENGTH)
    def big(self) -> np.ndarray:
        return np.full(BIG_LENGTH, READING)

    @attribute(dtype=int, polling_period=100, abs_change="1")
    def constant(self) -> int:
        """Polled by cppTango, which pushes its one value once."""
        return CONSTANT

    def _push(self, name: str) -> None:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        value = os.getpid() * LIFE + number
        self.push_change_event(name, np.full(BIG_LENGTH, value) if name == BIG else value)
        self._journal.write("push", name, value)

    @command(dtype_in=(str,), doc_in="attribute, number of events")
    def Push(self, arguments: list[str]) -> None:
        for _ in range(int(arguments[1])):
            self._push(arguments[0])

    @command(dtype_in=(str,), doc_in="attribute, events per second from now on; 0 ends it")
    def Rate(self, arguments: list[str]) -> None:
        name, rate = arguments[0], float(arguments[1])
        if name in self._threads:
            self._threads.pop(name).set()
        if rate > 0:
            stop = self._threads[name] = threading.Event()
            threading.Thread(target=self._go_on, args=(name, 1 / rate, stop), daemon=True).start()

    def _go_on(self, name: str, period: float, stop: threading.Event) -> None:
        with tango.EnsureOmniThread():
            while not stop.wait(period):
                with tango.AutoTangoMonitor(self):
                    self._push(name)

    @command(dtype_in=str)
    def Add(self, name: str) -> None:
        self.add_attribute(attribute(name=name, dtype=int, fget=self._read))
        self._declare(name)

    @command(dtype_in=str)
    def Remove(self, name: str) -> None:
        self.remove_attribute(name)


class TruthSubscriber(Device):
    """Writes down what its callbacks are called with."""

    def init_device(self) -> None:
        super().init_device()
        if not hasattr(self, "_journal"):
            self._journal = Journal()
            self._journal.write("begin", "-")
            self._subscriptions: dict[str, tuple[tango.DeviceProxy, int]] = {}
            self._gate = Path(os.environ.get("TRUTH_GATE", "/nonexistent"))
        device, _, names = os.environ.get("TRUTH_SUBSCRIBE", "").partition(" ")
        for name in filter(None, names.split(",")):
            self.Subscribe([device, name])

    @command(dtype_in=(str,), doc_in="device, attribute")
    def Subscribe(self, arguments: list[str]) -> None:
        device, name = arguments
        self._journal.write("subscribing", name)
        proxy = tango.DeviceProxy(device)
        callback = self._callback(name)
        kind = tango.EventType.PERIODIC_EVENT if name in PERIODIC else tango.EventType.CHANGE_EVENT
        # Stateless: a publisher that is not there yet is subscribed to as soon as it is.
        number = proxy.subscribe_event(name, kind, callback, [], True)
        self._subscriptions[name] = (proxy, number)

    def _callback(self, name: str) -> Callable[[tango.EventData], None]:
        def callback(event: Any) -> None:
            if event.err:
                self._journal.write("error", name, event.errors[0].reason)
                return
            raw = event.attr_value.value
            value = int(raw[0]) if name == BIG else int(raw)
            self._journal.write("reading" if value in (READING, CONSTANT) else "event", name, value)
            self._wait_at_gate()

        return callback

    def _wait_at_gate(self) -> None:
        with suppress(FileNotFoundError):
            while (text := self._gate.read_text()) == HOLD:
                time.sleep(0.02)
            time.sleep(float(text or 0))

    @command(dtype_in=str)
    def Unsubscribe(self, name: str) -> None:
        proxy, number = self._subscriptions.pop(name)
        proxy.unsubscribe_event(number)
        self._journal.write("unsubscribed", name)


if __name__ == "__main__":
    run([TruthPublisher, TruthSubscriber], args=[SERVER, *sys.argv[1:]])
