"""A stand-in for Tango's access control, which lets everybody read everything and write nothing.

``python -m tests.system.doctor.access INSTANCE``; its property ``Allowed`` are commands of the class DServer
that may be called all the same.
"""

from __future__ import annotations

import sys

from tango.server import Device, command, device_property, run


class FakeAccess(Device):
    """The commands that cppTango's clients ask it for."""

    Allowed = device_property(dtype=(str,), default_value=[])

    @command(dtype_in=str, dtype_out=(str,))
    def GetAddressByUser(self, _user: str) -> list[str]:
        return ["*.*.*.*"]

    @command(dtype_in=str, dtype_out=(str,))
    def GetDeviceByUser(self, _user: str) -> list[str]:
        return ["*/*/*", "read"]

    @command(dtype_in=str, dtype_out=(str,))
    def GetAllowedCommands(self, name: str) -> list[str]:
        return list(self.Allowed) if name == "DServer" else []


if __name__ == "__main__":
    run((FakeAccess,), args=["FakeAccess", *sys.argv[1:]])
