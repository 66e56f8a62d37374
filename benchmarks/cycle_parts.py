"""The poll cycle of one version of the package, in a process of its own: CPU of all of it and of its parts.

    PYTHONPATH=<tree> python benchmarks/cycle_parts.py <directory for the recording> <target>...

Each line "<polls> <period>" on standard input is answered by one line of JSON: CPU milliseconds a poll, of
each part. It ends with its input. It runs with every version since 0.1.0, so it asks for a part before it
counts on it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stage import at_period

from stem_device.device.presenter import Presenter
from stem_device.device.tango_attributes import readings
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from stem_device.polling import answers

IDLE_SECONDS = 3600.0
PARTS = {
    "_poller": ("poll", "ask and parse"),
    "_ledger": ("account", "account"),
    "_analyst": ("complete", "causes"),
    "_running": ("take", "verdict"),
    "_recordings": ("write", "record"),
}
"""Of the Monitor, or its assessment: who does it, by which method, and what that is called here."""


class Parts:
    """CPU seconds by part. One part runs at a time, but for the threads that ask."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def timed(self, name: str, call: Callable[..., Any], clock: Callable[[], float]) -> Callable[..., Any]:
        def timed_call(*arguments: Any, **named: Any) -> Any:
            begun = clock()
            try:
                return call(*arguments, **named)
            finally:
                self.seconds[name] += clock() - begun

        return timed_call

    def attach(self, monitor: Monitor) -> None:
        owners: tuple[Any, ...] = (monitor, getattr(monitor, "_assessment", None))
        for owner_name, (method, name) in PARTS.items():
            owner = next((getattr(one, owner_name) for one in owners if hasattr(one, owner_name)), None)
            if owner is not None:
                setattr(owner, method, self.timed(name, getattr(owner, method), time.process_time))
        # 0.1.0 parses where it takes the answers; since then what is read has a module of its own.
        reading: Any = sys.modules.get("stem_device.polling.reading_replies", answers)
        reading.parse_reply = self.timed("parse", reading.parse_reply, time.thread_time)
        each_poll: Any = getattr(monitor, "at_each_poll", None) or monitor.add_consumer
        each_poll(self.timed("attributes", attributes_of(monitor), time.process_time))

    def take(self, polls: int) -> dict[str, float]:
        """Milliseconds a poll since the last time."""
        found = {name: seconds / polls * 1e3 for name, seconds in self.seconds.items()}
        self.seconds.clear()
        found["ask"] = found.pop("ask and parse") - found["parse"]
        return found


def attributes_of(monitor: Monitor) -> Callable[[Snapshot], None]:
    """What the device makes of a Snapshot, without Tango: nothing is pushed."""
    presenter = Presenter(monitor)

    def present(snapshot: Snapshot) -> None:
        presenter.take(snapshot)
        view = presenter.view(event_errors=0)
        readings(view)
        presenter.state(view)
        presenter.status(view)

    return present


def main() -> None:
    directory, *targets = sys.argv[1:]
    monitor = Monitor(
        Options(
            target_devices=tuple(targets),
            poll_period=IDLE_SECONDS,
            recording_directory=Path(directory),
            queries_per_poll=1,
        )
    )
    parts = Parts()
    parts.attach(monitor)
    monitor.start()
    try:
        monitor.start_recording("")
        poll = parts.timed("whole", monitor.poll_now, time.process_time)
        for line in sys.stdin:
            polls, period = line.split()
            monitor.poll_now()
            parts.seconds.clear()
            for _ in at_period(int(polls), float(period)):
                poll()
            print(json.dumps(parts.take(int(polls))), flush=True)
        if not monitor.recording.active or monitor.snapshot is None:
            sys.exit(f"nothing was recorded: {monitor.recording.error}")
        if not len(monitor.snapshot.publisher_samples.server):
            sys.exit("no samples came in")
    finally:
        monitor.stop()


if __name__ == "__main__":
    main()
