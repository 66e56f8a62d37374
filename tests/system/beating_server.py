"""A publisher for any Tango version: run by the Python of another environment.

    python beating_server.py INSTANCE

``beat`` is polled and is one more at each reading; ``number`` is pushed from code by Push, and Pushed tells
how often. It imports nothing but PyTango.
"""

from tango.server import Device, attribute, command, run


class BeatingDevice(Device):
    def init_device(self):
        super().init_device()
        self._beats = self._pushed = 0
        self.set_change_event("number", True, False)

    @attribute(dtype=int, polling_period=100, period="200")
    def beat(self):
        self._beats += 1
        return self._beats

    @attribute(dtype=int)
    def number(self):
        return self._pushed

    @command(dtype_in=int)
    def Push(self, times):
        for _ in range(times):
            self._pushed += 1
            self.push_change_event("number", self._pushed)


if __name__ == "__main__":
    run((BeatingDevice,))
