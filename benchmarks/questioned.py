"""Two devices for bench_questions.py: one pushes events with their time, one measures how late they come.

python -m benchmarks.questioned INSTANCE        (with TANGO_HOST of the database that it is registered in)
"""

from __future__ import annotations

import json
import sys
import threading
import time

import numpy as np
import tango
from tango.server import Device, attribute, command, run

SERVER = "Questioned"


class Source(Device):
    """Pushes to its attributes in turn; the value is the time, on the monotonic clock of the machine."""

    def init_device(self) -> None:
        super().init_device()
        self._names: list[str] = []
        self._pusher: threading.Thread | None = None
        self._wanted = 0

    @command(dtype_in=int)
    def Make(self, count: int) -> None:
        """So many attributes that push change events."""
        for number in range(count):
            name = f"a{number}"
            self.add_attribute(attribute(name=name, dtype=int, fget=self._read))
            self.set_change_event(name, True, False)
            self._names.append(name)

    def _read(self, _attribute: object) -> int:
        return 0

    @command(dtype_in=int)
    def Push(self, rate: int) -> None:
        """So many events a second from now on, 0 for none."""
        self._wanted = rate
        if self._pusher is None and rate:
            self._pusher = threading.Thread(target=self._push, daemon=True)
            self._pusher.start()

    def _push(self) -> None:
        with tango.EnsureOmniThread():
            number, due = 0, time.monotonic()
            while self._wanted:
                self.push_change_event(self._names[number % len(self._names)], time.monotonic_ns())
                number += 1
                due += 1 / self._wanted
                time.sleep(max(0.0, due - time.monotonic()))
        self._pusher = None


class Sink(Device):
    """Subscribes, and keeps how late each event was."""

    def init_device(self) -> None:
        super().init_device()
        self._late_ns: list[int] = []
        self._subscribed = 0

    @command(dtype_in=[str])
    def Subscribe(self, arguments: list[str]) -> None:
        """[device, count]: to its first so many attributes, on a thread; see ``subscribed``."""
        threading.Thread(target=self._subscribe, args=(arguments[0], int(arguments[1])), daemon=True).start()

    def _subscribe(self, device: str, count: int) -> None:
        with tango.EnsureOmniThread():
            self._proxy = tango.DeviceProxy(device)
            for number in range(count):
                self._proxy.subscribe_event(f"a{number}", tango.EventType.CHANGE_EVENT, self._take)
                self._subscribed += 1

    @attribute(dtype=int)
    def subscribed(self) -> int:
        return self._subscribed

    def _take(self, event: tango.EventData) -> None:
        now = time.monotonic_ns()
        if not event.err and event.attr_value.value:  # the first one has not been pushed
            self._late_ns.append(now - event.attr_value.value)

    @command(dtype_out=str)
    def Late(self) -> str:
        """Of the events since the last call: how many, and how late in us: mean, median, 99th percentile."""
        late, self._late_ns = np.array(self._late_ns) / 1e3, []
        if not late.size:
            return json.dumps([0, 0.0, 0.0, 0.0])
        return json.dumps([late.size, late.mean(), *np.percentile(late, [50, 99])])


if __name__ == "__main__":
    run((Source, Sink), args=[SERVER, *sys.argv[1:]])
