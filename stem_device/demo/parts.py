"""The parts of the demo one by one, in the control system that TANGO_HOST names.

``python -m stem_device.demo.parts PART`` with ``publisher``, ``quick`` or ``slow`` registers that device
and runs its server; ``director`` lets both subscribe and plays until it is ended. Made for compose.yaml.
The collecting subscriber is no part: telemetry tells processes apart by number, which containers share, and
its files would grow for as long as the containers run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import tango

from stem_device.client import RunMarker
from stem_device.demo import devices
from stem_device.demo.database import add_server
from stem_device.demo.director import ATTRIBUTE, Director
from stem_device.demo.processes import wait_until
from stem_device.demo.stage import write_lines
from stem_device.demo.system import MONITOR, PUBLISHER, QUICK, SLOW
from stem_device.device.waiting import wait_for_database

DIRECTOR = "director"
SERVED = {"publisher": ("Publisher", PUBLISHER), "quick": ("Subscriber", QUICK), "slow": ("Subscriber", SLOW)}
START_SECONDS = 120.0


def serve(part: str, arguments: Sequence[str]) -> None:
    """Register one device of the demo and run its server; ``arguments`` are those of Tango."""
    wait_for_database(())
    add_server(tango.Database(), f"{devices.SERVER}/{part}", [SERVED[part]])
    devices.main([part, *arguments])


def direct() -> str:
    """Play until something fails, and return what; raises OutOfTimeError if a device does not come up."""
    wait_for_database(())
    monitor, publisher, quick, slow = (_answering(name) for name in (MONITOR, PUBLISHER, QUICK, SLOW))
    for subscriber in (slow, quick):
        _subscribe(subscriber)
    director = Director(
        publisher,
        slow,
        RunMarker(monitor, never_fail=True),
        say=write_lines,
        missed=lambda: int(monitor.totalMissedEvents or 0),
    )
    director.start(0.0)
    director.join()
    return director.error


def _answering(name: str) -> tango.DeviceProxy:
    def proxy() -> tango.DeviceProxy | None:
        try:
            device = tango.DeviceProxy(name)
            device.ping()
        except tango.DevFailed:
            return None
        return device

    return wait_until(proxy, name, limit_seconds=START_SECONDS, interval_seconds=0.5)


def _subscribe(subscriber: tango.DeviceProxy) -> None:
    """Subscribe once: a director that is started again finds the subscription there."""
    if not json.loads(subscriber.Counts()):
        subscriber.Subscribe([PUBLISHER, ATTRIBUTE, "CHANGE_EVENT", "0"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one part. Ends the process with a sentence when the play cannot go on, or the part is unknown."""
    part, *others = (sys.argv[1:] if arguments is None else list(arguments)) or [""]
    if part in SERVED:
        serve(part, others)
    elif part == DIRECTOR:
        sys.exit(direct())
    else:
        sys.exit(f"give one of {', '.join((*SERVED, DIRECTOR))}, not {part!r}")


if __name__ == "__main__":
    main()
