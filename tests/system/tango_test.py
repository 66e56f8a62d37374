"""A stand-in for TangoTest, the device that documentation speaks of (``python -m ... INSTANCE``)."""

from __future__ import annotations

import sys

from tango.server import Device, attribute, run


class TangoTest(Device):
    """One attribute is enough."""

    @attribute(dtype=float)
    def double_scalar(self) -> float:
        return 1.0


if __name__ == "__main__":
    run([TangoTest], args=["TangoTest", *sys.argv[1:]])
