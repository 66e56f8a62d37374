"""What every row has: a publisher, a subscriber, and a real EventMonitor whose every poll is kept."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import tango

from stem_device.demo.processes import wait_until
from tests.truth.journal import DIRECTORY
from tests.truth.processes import Server
from tests.truth.servers import BIG, HOLD, SERVER

Json = dict[str, Any]

QUEUES = {"TANGO_EVENT_BUFFER_HWM": "100", "TANGO_DS_EVENT_BUFFER_HWM": "100"}
"""Short queues on both sides: overflows are quick."""

FLOOD = 1500
"""Events of 16 kB: more than two queues of 100 and the buffers of a loopback connection hold."""

FLOODS = 5

ALARM_HOLD_SECONDS = 2


class Database(Protocol):
    """What a Lab needs of one."""

    @property
    def tango_host(self) -> str: ...

    def add_server(self, server: str, devices: Sequence[tuple[str, str]]) -> None: ...

    def put_properties(self, device: str, properties: Mapping[str, Sequence[str]]) -> None: ...


class Lab:
    """One row: ``index`` makes its names unique, ``period`` is that of its EventMonitor."""

    def __init__(self, database: Database, directory: Path, index: int, period: float) -> None:
        self.database = database
        self.directory = directory
        self.period = period
        self.key = f"r{index}"
        self.history: list[Json] = []
        self.gate = directory / "gate"
        self.servers: list[Server] = []
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self.environment = {DIRECTORY: str(directory), "TRUTH_GATE": str(self.gate)}

    def publisher(self, rates: str = "", **environment: Any) -> Server:
        return self.server("publisher", "TruthPublisher", TRUTH_PUSH=rates, **environment)

    def subscriber(self, early: Sequence[str] = (), **environment: Any) -> Server:
        """``early``: attributes that it subscribes to in ``init_device``."""
        if early:
            environment["TRUTH_SUBSCRIBE"] = f"truth/publisher/{self.key} {','.join(early)}"
        return self.server("subscriber", "TruthSubscriber", **environment)

    def server(
        self,
        role: str,
        class_name: str,
        executable: str = SERVER,
        *,
        command: Sequence[str] = (sys.executable, "-m", "tests.truth.servers"),
        start: bool = True,
        **environment: str,
    ) -> Server:
        """A server of one device, ``truth/ROLE/KEY``; it is started at once, unless told otherwise."""
        name = f"{executable}/{self.key}{role}"
        device = f"truth/{role}/{self.key}"
        self.database.add_server(name, [(class_name, device)])
        server = Server(
            role,
            name,
            device,
            tango_host=self.database.tango_host,
            directory=self.directory,
            environment=self.environment | environment,
            command=command,
        )
        return self.run(server) if start else server

    def run(self, server: Server) -> Server:
        self.servers.append(server)
        server.start()
        return server

    def subscribe(self, subscriber: Server, *names: str) -> None:
        """Subscribe by command, and wait until ZeroMQ has had time to connect."""
        for name in names:
            subscriber.proxy.Subscribe([f"truth/publisher/{self.key}", name])
        time.sleep(1)

    def monitor(self, *targets: Server | str, **properties: str) -> None:
        """Start an EventMonitor and keep each of its polls; returns after the second."""
        command = (sys.executable, "-m", "stem_device.device")
        self.device = self.server("monitor", "EventMonitor", "EventMonitor", command=command, start=False)
        values = {
            "PollPeriod": str(self.period),
            "AlarmHoldTime": str(ALARM_HOLD_SECONDS),
            "RecordingDirectory": str(self.directory),
            **properties,
        }
        names = [target if isinstance(target, str) else target.name for target in targets]
        lines = {name: [value] for name, value in values.items()}
        self.database.put_properties(self.device.device, {"TargetDevices": names, **lines})
        self.run(self.device)
        self.device.proxy.set_timeout_millis(20_000)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self.polls(2)

    def polls(self, count: int = 1) -> Json:
        """Wait until that many polls have begun from now on, and ended; the last one."""
        now = time.time_ns()
        limit = 60 + 3 * count * self.period
        self.wait(lambda: sum(utc_ns(p["time"]) > now for p in list(self.history)) >= count, "polls", limit)
        return self.history[-1]

    def wait(self, condition: Callable[[], object], what: str, limit_seconds: float = 60.0) -> None:
        wait_until(condition, f"{what} ({self.key})", limit_seconds=limit_seconds, interval_seconds=0.1)

    def overdue(self, condition: Callable[[int], bool], what: str) -> None:
        """Wait until a poll has such a number of overdue events.

        A number of polls is no substitute: on a busy machine a server may not answer one of them, and what no
        poll has seen overdue cannot be told when a life ends.
        """
        self.wait(
            lambda: condition(self.history[-1]["totals"]["overdue"] or 0),
            f"a poll with {what} overdue",
            60 + 3 * self.period,
        )

    def all_overdue(self, publisher: Server, subscriber: Server) -> int:
        """Wait until a poll shows all that was pushed after the last event received as overdue; how many."""
        events = self.not_arrived(publisher, subscriber)
        self.overdue(lambda seen: seen == events, f"{events} events")
        return events

    def settle(self, subscriber: Server, seconds: float = 1.0) -> None:
        """Wait until nothing arrives any more."""
        last = [0, time.monotonic()]

        def still() -> bool:
            lines = len(subscriber.lives[-1].lines)
            if lines != last[0]:
                last[:] = [lines, time.monotonic()]
            return time.monotonic() - last[1] > seconds

        self.wait(still, "the subscriber to settle")

    def connected(self, publisher: Server, subscriber: Server, names: Sequence[str]) -> None:
        """Wait until each subscription has been made, or made again, in both present lives."""
        since = publisher.lives[-1].begin_ns

        def read_again() -> bool:
            life = subscriber.lives[-1]
            return all(any(line.utc_ns > since for line in life.of("reading", name)) for name in names)

        self.wait(read_again, "the subscriptions to be made", 90)
        time.sleep(1)

    def push(self, publisher: Server, subscriber: Server, names: Sequence[str], count: int) -> None:
        """Push to each, and wait until all of it has arrived."""
        before = {name: subscriber.count("event", name) for name in names}
        for name in names:
            publisher.proxy.Push([name, str(count)])
        self.wait(
            lambda: all(subscriber.count("event", n) >= before[n] + count for n in names), "events to arrive"
        )

    def hold(self, publisher: Server, subscriber: Server) -> None:
        """Let the callback hang in one event."""
        self.gate.write_text(HOLD)
        self.push(publisher, subscriber, [BIG], 1)

    def open_gate(self, subscriber: Server) -> None:
        self.gate.unlink(missing_ok=True)
        self.settle(subscriber)

    def overflow(self, publisher: Server, subscriber: Server) -> None:
        """Lose some hundreds of events that nobody notices; the rest has arrived in the end.

        Where the kernel's buffers take more while the flood goes on, its last events may get through, and
        then what was lost before them is noticed: once more.
        """
        for _ in range(FLOODS):
            self.hold(publisher, subscriber)
            publisher.proxy.Push([BIG, str(FLOOD)])
            self.open_gate(subscriber)
            if self.not_arrived(publisher, subscriber):
                return
        raise AssertionError(f"the last events of {FLOODS} floods all arrived")

    def not_arrived(self, publisher: Server, subscriber: Server) -> int:
        """Events that were pushed after the last one received."""
        last_pushed = publisher.lives[-1].of("push", BIG)[-1]
        last_received = subscriber.lives[-1].of("event", BIG)[-1]
        return int(last_pushed.value) - int(last_received.value)

    def value(self, attribute: str) -> Any:
        """Of an attribute of the EventMonitor; None where it has no value, or there is no such attribute."""
        try:
            proxy: Any = self.device.proxy
            return proxy.read_attribute(attribute).value
        except tango.DevFailed:
            return None

    def close(self) -> None:
        self.gate.unlink(missing_ok=True)
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join(30)
        for server in reversed(self.servers):
            server.stop()
        with (self.directory / "polls.jsonl").open("w") as file:
            file.writelines(json.dumps(poll) + "\n" for poll in self.history)

    def _watch(self) -> None:
        with tango.EnsureOmniThread():
            while not self._closing.wait(min(0.25, self.period / 4)):
                self._look()

    def _look(self) -> None:
        try:
            poll = json.loads(self.device.proxy.QuerySnapshot())
            if poll and (not self.history or poll["poll"] > self.history[-1]["poll"]):
                poll["state"] = str(self.device.proxy.state())
                poll["verdictText"] = self.value("verdictText")
                self.history.append(poll)
        except tango.DevFailed:
            return  # the next look is soon


def utc_ns(text: str) -> int:
    """Of a time as QuerySnapshot writes it."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000
