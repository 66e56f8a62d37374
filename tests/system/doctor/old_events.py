"""A device that is polled and one that pushes, for Tango versions without QueryEventSystem.

``python old_events.py INSTANCE``; it imports nothing but PyTango and what that brings.
"""

import threading
import time

import tango
from tango.server import Device, attribute, run

BEGAN = time.monotonic()


class OldEvents(Device):
    """``pushed`` every 0.1 s by its code, ``polled`` with criteria, ``silent`` declared and never pushed."""

    def init_device(self):
        super().init_device()
        self.set_change_event("pushed", True, False)
        self.set_change_event("silent", True, False)
        self._thread = threading.Thread(target=self._push, daemon=True)
        self._thread.start()

    def _push(self):
        with tango.EnsureOmniThread():
            while True:
                time.sleep(0.1)
                with tango.AutoTangoMonitor(self):
                    self.push_change_event("pushed", time.monotonic() - BEGAN)

    @attribute(dtype=float)
    def pushed(self):
        return time.monotonic() - BEGAN

    @attribute(dtype=float)
    def silent(self):
        return time.monotonic() - BEGAN

    @attribute(dtype=float, polling_period=200, abs_change=0.05)
    def polled(self):
        return time.monotonic() - BEGAN

    @attribute(dtype=float)
    def not_polled(self):
        return time.monotonic() - BEGAN


if __name__ == "__main__":
    run((OldEvents,))
