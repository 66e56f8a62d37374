"""The server of the demo's devices with any version of PyTango: ``python demo_server.py INSTANCE ...``."""

import runpy
from pathlib import Path

from tango.server import Device

DEVICES = Path(__file__).resolve().parents[3] / "stem_device" / "demo" / "devices.py"


def no_alarm_event(*_arguments):
    """Alarm events came with Tango 10; there are none to declare before."""


if __name__ == "__main__":
    if not hasattr(Device, "set_alarm_event"):
        Device.set_alarm_event = no_alarm_event  # type: ignore[method-assign]
    runpy.run_path(str(DEVICES), run_name="__main__")
