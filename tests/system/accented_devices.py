"""A publisher and a subscriber of attributes with names beyond ASCII: ``python -m ... INSTANCE``."""

from __future__ import annotations

import sys
import threading

import tango
from tango.server import Device, attribute, command, run

SERVER = "StemAccented"
STATIC, DYNAMIC = "Température", "Débit"
KINDS = (tango.EventType.CHANGE_EVENT, tango.EventType.USER_EVENT)


class Thermometer(Device):
    """Pushes both attributes."""

    def init_device(self) -> None:
        super().init_device()
        self.add_attribute(attribute(name=DYNAMIC, dtype=float, fget=self._read))
        for name in (STATIC, DYNAMIC):
            self.set_change_event(name, True, False)

    @attribute(name=STATIC, dtype=float)
    def temperature(self) -> float:
        return 20.0

    def _read(self, _attribute: object) -> float:
        return 1.0

    @command(dtype_in=int, doc_in="events of each kind of each attribute")
    def Push(self, count: int) -> None:
        for number in range(count):
            for name in (STATIC, DYNAMIC):
                self.push_change_event(name, float(number))
                self.push_event(name, [], [], float(number))


class Display(Device):
    """Counts what its callbacks are called with; while it is held they wait."""

    def init_device(self) -> None:
        super().init_device()
        self._go_on = threading.Event()
        self._go_on.set()
        self._count = 0

    @command(dtype_in=str)
    def Subscribe(self, device: str) -> None:
        self._proxy = tango.DeviceProxy(device)
        for name in (STATIC, DYNAMIC):
            for kind in KINDS:
                self._proxy.subscribe_event(name, kind, self._called)

    @command
    def Hold(self) -> None:
        self._go_on.clear()

    @command
    def GoOn(self) -> None:
        self._go_on.set()

    @command(dtype_out=int)
    def Count(self) -> int:
        return self._count

    def _called(self, _event: tango.EventData) -> None:
        self._go_on.wait()
        self._count += 1


if __name__ == "__main__":
    run([Thermometer, Display], args=[SERVER, *sys.argv[1:]])
