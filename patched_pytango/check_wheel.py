"""Start a device server of the installed PyTango and ask it: ``python check_wheel.py VERSION``."""

# ruff: noqa: FBT003, S603, T201

import json
import socket
import subprocess
import sys
import time
from importlib.metadata import version

import tango
from tango.server import Device, run

LIMIT_SECONDS = 30


class Checked(Device):
    """Has State and Status, like any device."""


def ask(port):
    """Reply of the admin device, before and with sampling."""
    admin = tango.DeviceProxy(f"tango://127.0.0.1:{port}/dserver/check_wheel/1#dbase=no")
    before = json.loads(admin.command_inout("QueryEventSystem"))
    admin.command_inout("EnableEventSystemPerfMon", True)
    during = json.loads(admin.command_inout("QueryEventSystem"))
    admin.command_inout("StopEventSystemPerfMon")
    admin.command_inout("StartEventSystemPerfMon")
    return before, during


def main(expected):
    """Exit with a message where the wheel is not what it should be."""
    installed = version("pytango")
    if installed != expected:
        sys.exit(f"the installed version is {installed}, not {expected}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    end_point = ["-ORBendPoint", f"giop:tcp:127.0.0.1:{port}"]
    arguments = [sys.executable, __file__, "1", "-nodb", "-dlist", "check/wheel/1", *end_point]
    server = subprocess.Popen(arguments)
    try:
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                before, during = ask(port)
                break
            except tango.DevFailed as error:
                if time.monotonic() > deadline or server.poll() is not None:
                    sys.exit(f"the server does not answer: {error.args[0].desc}")
                time.sleep(0.2)
    finally:
        server.kill()
        server.wait()
    empty = {"version": 1, "server": {"event_counters": {}, "perf": None}, "client": None}
    if before != empty or during["server"]["perf"] != []:
        sys.exit(f"unexpected replies: {before}, {during}")
    print(f"pytango {installed}: QueryEventSystem answers")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        run((Checked,))
