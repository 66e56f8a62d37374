"""A publisher for every version of PyTango; run by the Python of another environment.

    python tapped_devices.py INSTANCE

It imports nothing but PyTango and numpy. Each event's value is its number.
"""

import numpy as np
import tango
from tango.server import Device, attribute, command, run

BIG_LENGTH = 500


class Tapped(Device):
    """Pushes numbered change events of ``number``, ``big`` and ``text``."""

    def init_device(self):
        super().init_device()
        self._pushed = {}
        for name in ("number", "big", "text"):
            self.set_change_event(name, True, False)
            self.set_archive_event(name, True, False)
            if hasattr(self, "set_alarm_event"):
                self.set_alarm_event(name, True, False)

    @attribute(dtype=int)
    def number(self):
        return 0

    @attribute(dtype=(float,), max_dim_x=BIG_LENGTH)
    def big(self):
        return np.zeros(BIG_LENGTH)

    @attribute(dtype=str)
    def text(self):
        return ""

    @command(dtype_in=("DevString",), doc_in="attribute, number of events")
    def Push(self, arguments):
        name, count = arguments[0], int(arguments[1])
        for _ in range(count):
            value = self._pushed[name] = self._pushed.get(name, 0) + 1
            if name == "big":
                self.push_change_event(name, np.full(BIG_LENGTH, float(value)))
            else:
                self.push_change_event(name, str(value) if name == "text" else value)

    @command(dtype_in=str)
    def PushError(self, name):
        try:
            tango.Except.throw_exception("Broken", "by the test", "Tapped.PushError")
        except tango.DevFailed as error:
            self.push_change_event(name, error)


if __name__ == "__main__":
    run((Tapped,))
