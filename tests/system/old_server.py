"""A device server for Tango versions without QueryEventSystem; run by the Python of another environment.

    python old_server.py INSTANCE

It imports nothing but PyTango, so that it runs with any version of it.
"""

from tango.server import Device, run


class OldDevice(Device):
    """Has State and Status, like any device."""


if __name__ == "__main__":
    run((OldDevice,))
