"""The EventMonitor server with a fault to order: while the file FAULT_FILE exists, every poll raises."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stem_device.device.server import EventMonitor, main
from stem_device.model.options import Options
from stem_device.monitor import Monitor
from stem_device.polling import Poller

FAULT_FILE = Path(os.environ["FAULT_FILE"])


class FaultyPoller(Poller):
    def poll(self, *arguments: Any, **named: Any) -> Any:
        if FAULT_FILE.exists():
            raise SystemExit("ordered by the test")
        return super().poll(*arguments, **named)


def faulty_monitor(options: Options) -> Monitor:
    from stem_device.model.clock import SystemClock

    return Monitor(options, poller=FaultyPoller(options, clock=SystemClock()))


if __name__ == "__main__":
    EventMonitor.make_monitor = staticmethod(faulty_monitor)
    main()
