"""Device servers with one event fault an attribute, and many attributes without any.

``python -m tests.system.doctor.devices INSTANCE``; the faults are those of the table in
docs/reference/doctor.md.
"""

from __future__ import annotations

import sys
import threading
import time
from enum import IntEnum
from typing import Any

import numpy as np
import tango
from tango.server import Device, attribute, command, run

PUSH_SECONDS = 0.1
STALL_SECONDS = 120
BEGAN = time.monotonic()


def moving() -> float:
    """Seconds since the process began: never twice the same."""
    return time.monotonic() - BEGAN


class Level(IntEnum):
    """For an attribute of type DevEnum."""

    LOW = 0
    HIGH = 1


class Patient(Device):
    """Each attribute has one fault, or none: its name says which."""

    def init_device(self) -> None:
        super().init_device()
        self.set_change_event("pushed", True, False)
        self.set_archive_event("pushed", True, False)
        self.set_alarm_event("pushed", True, False)
        self.set_change_event("never_pushed", True, False)
        self.set_archive_event("archive_only", True, False)
        self.set_change_event("read_throws", True, False)
        self._stalls = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push, daemon=True)
        self._thread.start()

    def delete_device(self) -> None:
        self._stop.set()
        self._thread.join()

    def _push(self) -> None:
        with tango.EnsureOmniThread():
            while not self._stop.wait(PUSH_SECONDS):
                self.push_change_event("pushed", moving())
                self.push_archive_event("pushed", moving())

    @attribute(dtype=float, polling_period=200, abs_change=0.05)
    def healthy(self) -> float:
        return moving()

    @attribute(dtype=float)
    def pushed(self) -> float:
        return moving()

    @attribute(dtype=float)
    def not_polled(self) -> float:
        return moving()

    @attribute(dtype=float, polling_period=200)
    def no_criteria(self) -> float:
        return moving()

    @attribute(dtype=float)
    def archive_only(self) -> float:
        return moving()

    @attribute(dtype=float, polling_period=200, abs_change=1e9)
    def large_criteria(self) -> float:
        return moving()

    @attribute(dtype=float)
    def never_pushed(self) -> float:
        return moving()

    @attribute(dtype=float)
    def read_throws(self) -> float:
        return self._fail()

    @attribute(dtype=float, polling_period=200, abs_change=0.1)
    def poll_throws(self) -> float:
        return self._fail()

    def _fail(self) -> float:
        tango.Except.throw_exception("Patient_Broken", "the hardware does not answer", "Patient._fail")
        return 0.0

    @attribute(dtype=float, polling_period=200, abs_change=0.1)
    def constant(self) -> float:
        return 4.0

    @attribute(dtype=float, polling_period=200, abs_change=0.1)
    def stalling(self) -> float:
        if self._stalls:
            time.sleep(STALL_SECONDS)
        return 1.0

    @command
    def Stall(self) -> None:
        """Let the next poll of ``stalling`` take long: one thread polls all devices of the server."""
        self._stalls = True

    @command
    def Block(self) -> None:
        """Keep the device's monitor for a while: other calls wait."""
        time.sleep(20)


def _values() -> dict[str, Any]:
    """A value of each kind that differs from that of a moment ago."""
    now = moving()
    return {
        "double": now,
        "float": np.float32(now),
        "long": int(now * 10),
        "short": int(now * 10) % 30_000,
        "uchar": int(now * 10) % 250,
        "ulong64": int(now * 1000),
        "boolean": int(now * 10) % 2 == 0,
        "string": f"at {now:.3f}",
        "enum": Level(int(now * 10) % 2),
        "spectrum": np.full(16, now),
        "strings": [f"{now:.2f}", "b"],
        "booleans": [int(now * 10) % 2 == 0] * 3,
        "image": np.full((4, 3), now),
        "integers": np.full((2, 2), int(now * 10), dtype=np.int32),
        "empty": np.zeros(0),
        "constant": 1.5,
        "encoded": ("json", f"{now:012.3f}".encode()),
    }


KINDS: dict[str, dict[str, Any]] = {
    "double": {"dtype": float, "abs_change": 0.05, "archive_period": 60_000},
    "encoded": {"dtype": "DevEncoded", "abs_change": 1},
    "float": {"dtype": np.float32, "rel_change": 0.01},
    "long": {"dtype": int, "abs_change": 1},
    "short": {"dtype": np.int16, "abs_change": 1},
    "uchar": {"dtype": np.uint8, "abs_change": 1},
    "ulong64": {"dtype": np.uint64, "abs_change": 10},
    "boolean": {"dtype": bool},
    "string": {"dtype": str},
    "enum": {"dtype": Level},
    "spectrum": {"dtype": (float,), "max_dim_x": 64, "abs_change": 0.05},
    "strings": {"dtype": (str,), "max_dim_x": 8},
    "booleans": {"dtype": (bool,), "max_dim_x": 8},
    "image": {"dtype": ((float,),), "max_dim_x": 8, "max_dim_y": 8, "abs_change": 0.05},
    "integers": {"dtype": ((np.int32,),), "max_dim_x": 8, "max_dim_y": 8, "abs_change": 1},
    "empty": {"dtype": (float,), "max_dim_x": 8, "abs_change": 1},
    "constant": {"dtype": float, "abs_change": 0.1, "archive_abs_change": 0.1},
}


def _reader(kind: str) -> Any:
    def read(_device: Device, *_: Any) -> Any:
        return _values()[kind]

    return read


def _attributes() -> dict[str, Any]:
    """One polled and one pushed attribute of each kind."""
    made = {}
    for way, more in (("polled", {"polling_period": 200}), ("pushed", {})):
        for kind, options in KINDS.items():
            name = f"{way}_{kind}"
            made[name] = attribute(fget=_reader(kind), name=name, **options, **more)
    return made


class Sound(Device):
    """Attributes of all kinds, polled and pushed, none of which has a fault; State and Status are polled."""

    def init_device(self) -> None:
        super().init_device()
        self.set_state(tango.DevState.ON)
        for name in self.pushed_names:
            self.set_change_event(name, True, False)
        self.set_change_event("State", True, False)
        self.set_change_event("Status", True, False)
        self._written = 3.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push, daemon=True)
        self._thread.start()

    def delete_device(self) -> None:
        self._stop.set()
        self._thread.join()

    def _push(self) -> None:
        with tango.EnsureOmniThread():
            while not self._stop.wait(PUSH_SECONDS):
                values = _values()
                with tango.AutoTangoMonitor(self):
                    for name in self.pushed_names:
                        value = values[name.removeprefix("pushed_")]
                        self.push_change_event(name, *(value if isinstance(value, tuple) else (value,)))

    pushed_names = tuple(f"pushed_{kind}" for kind in KINDS)
    locals().update(_attributes())

    @attribute(dtype=float, polling_period=200, abs_change=0.05, memorized=True, hw_memorized=True)
    def memorized(self) -> float:
        return self._written

    @memorized.write  # type: ignore[no-redef] # as with property, which PyTango does not declare
    def memorized(self, value: float) -> None:
        self._written = value

    forwarded = attribute(name="forwarded", label="forwarded", forwarded=True)


if __name__ == "__main__":
    run((Patient, Sound), args=["Patient", *sys.argv[1:]])
