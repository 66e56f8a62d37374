"""Devices with telemetry, of both kinds of green mode: ``python -m tests.system.timed_devices INSTANCE``."""

from __future__ import annotations

import asyncio
import sys
import time

import tango
from tango import AttrWriteType, GreenMode
from tango.server import Device, attribute, command, run

from stem_device import telemetry
from stem_device.tango_telemetry import timed_device


class Base(Device):
    def init_device(self) -> None:
        super().init_device()
        if sys.argv[1].startswith("late"):
            telemetry.start(sys.argv[1], flush_seconds=60)
        self.level_now = 0.0
        self.got = 0
        self.set_change_event("level", True, False)

    @attribute(dtype=float)
    def inherited(self) -> float:
        return 1.0


@timed_device
class Plain(Base):
    """A device."""

    level = attribute(dtype=float, access=AttrWriteType.READ_WRITE)
    events_seen = attribute(dtype=int, fget="read_events_seen")

    def read_level(self) -> float:
        return self.level_now

    def write_level(self, value: float) -> None:
        self.level_now = value

    def read_events_seen(self) -> int:
        return self.got

    @command(dtype_in=float, dtype_out=float)
    def Wait(self, seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    @command
    def Fail(self) -> None:
        raise ValueError("as asked")

    @command
    def Push(self) -> None:
        self.push_change_event("level", self.level_now)

    @command(dtype_in=str)
    def Listen(self, device: str) -> None:
        self.proxy = tango.DeviceProxy(device)
        self.proxy.subscribe_event("level", tango.EventType.CHANGE_EVENT, self.on_level)

    def on_level(self, _event: tango.EventData) -> None:
        self.got += 1


@timed_device
class Derived(Plain):
    """Timed, and so is its base."""

    @command
    def Own(self) -> None:
        self.push_change_event("level", self.level_now)


@timed_device
class Asynchronous(Device):
    green_mode = GreenMode.Asyncio

    @attribute(dtype=float)
    async def level(self) -> float:
        await asyncio.sleep(0.01)
        return 1.0

    @command(dtype_in=float, dtype_out=float)
    async def Wait(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds


def main() -> None:
    instance = sys.argv[1]
    if instance.startswith("line"):
        telemetry.start(instance, flush_seconds=60)
    if instance.startswith("asyncio"):
        run((Asynchronous,), green_mode=GreenMode.Asyncio)
    else:
        run((Plain, Derived))


if __name__ == "__main__":
    main()
