"""A server of the two demo devices, and typed handles for both."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil
import tango
from msgspec import Struct, convert

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import ChildProcess, tango_server, wait_until

# Events pushed at once that no subscriber loses which had received all before. A queue of ZeroMQ holds 1000
# here and hears of what was taken out of it 500 at a time: up to 499 that were received still count as held.
KEPT_AT_ONCE = 400


# ZeroMQ connects in the background and tells nobody when the publisher has heard of a subscription: there
# is no condition to wait for. Mostly it takes the few milliseconds that Tango waits, on a busy machine more.
CONNECTING_SECONDS = 0.3


class Truth(Struct, frozen=True):
    """What one callback of a Subscriber was called with; see stem_device.demo.devices.Truth."""

    device: str
    attribute: str
    event_type: str
    delay_seconds: float
    active: bool
    events: int
    synchronous: int
    gaps: int
    missing: int
    restarts: int
    last_number: int | None
    errors: dict[str, int]


class Publisher:
    """Drives one Publisher device."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.proxy = tango.DeviceProxy(device)
        self.proxy.set_timeout_millis(60_000)

    def push(self, attribute: str = "number", kinds: str = "change", steps: int = 1) -> None:
        self.proxy.Push([attribute, kinds, str(steps)])

    def push_in_background(
        self, attribute: str = "number", kinds: str = "change", steps: int = 0, period_seconds: float = 0.0
    ) -> None:
        self.proxy.PushInBackground([attribute, kinds, str(steps), str(period_seconds)])

    def wait_pushed(self, limit_seconds: float = 60.0) -> None:
        """Wait for the background pushing to come to its end."""
        wait_until(lambda: not self.proxy.IsPushing(), "end of pushing", limit_seconds=limit_seconds)

    def stop(self) -> None:
        self.proxy.StopPushing()

    def pushed(self) -> dict[str, int]:
        """Events pushed since the server started, by attribute.event."""
        counts: dict[str, int] = json.loads(self.proxy.Pushed())
        return counts

    def stream(self, event: str, attribute: str = "number") -> str:
        """Name of a stream as this publisher reports it."""
        return f"{self.device}/{attribute}.{event}" if attribute else f"{self.device}.{event}"


class Subscriber:
    """Drives one Subscriber device."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.proxy = tango.DeviceProxy(device)
        self.proxy.set_timeout_millis(60_000)

    def subscribe(
        self,
        publisher: Publisher | str,
        attribute: str = "number",
        event_type: str = "CHANGE_EVENT",
        delay_seconds: float = 0.0,
    ) -> int:
        """Number of the new callback; what is pushed from now on reaches it."""
        device = publisher if isinstance(publisher, str) else publisher.device
        index = int(self.proxy.Subscribe([device, attribute, event_type, str(delay_seconds)]))
        time.sleep(CONNECTING_SECONDS)
        return index

    def unsubscribe(self, index: int) -> None:
        self.proxy.Unsubscribe(index)

    def unsubscribe_all(self) -> None:
        self.proxy.UnsubscribeAll()

    def set_delay(self, index: int, seconds: float) -> None:
        self.proxy.SetDelay([str(index), str(seconds)])

    def truths(self) -> list[Truth]:
        return convert(json.loads(self.proxy.Counts()), list[Truth])

    def truth(self, index: int = 0) -> Truth:
        return self.truths()[index]

    def wait_number(self, number: int, index: int = 0, limit_seconds: float = 30.0) -> Truth:
        """Wait until the callback got the event of this number; what it was called with by then."""

        def arrived() -> Truth | None:
            truth = self.truth(index)
            return truth if truth.last_number == number else None

        return wait_until(arrived, f"event {number} at {self.device}", limit_seconds=limit_seconds)

    def wait_error(self, reason: str, times: int = 1, index: int = 0, limit_seconds: float = 30.0) -> Truth:
        """Wait until the callback was called with so many errors of this reason."""

        def arrived() -> Truth | None:
            truth = self.truth(index)
            return truth if truth.errors.get(reason, 0) >= times else None

        return wait_until(arrived, f"{times} {reason} at {self.device}", limit_seconds=limit_seconds)

    def wait_synchronous(self, times: int, index: int = 0, limit_seconds: float = 30.0) -> Truth:
        """Wait for readings: the first is that of the subscription, the others follow reconnections.

        What is pushed from then on reaches the callback.
        """

        def arrived() -> Truth | None:
            truth = self.truth(index)
            return truth if truth.synchronous >= times else None

        truth = wait_until(arrived, f"{times} readings at {self.device}", limit_seconds=limit_seconds)
        time.sleep(CONNECTING_SECONDS)
        return truth

    def wait_events(self, events: int, index: int = 0, limit_seconds: float = 30.0) -> Truth:
        """Wait until the callback got so many events over the wire."""

        def arrived() -> Truth | None:
            truth = self.truth(index)
            return truth if truth.events >= events else None

        return wait_until(arrived, f"{events} events at {self.device}", limit_seconds=limit_seconds)


class Server:
    """One server process with a Publisher and a Subscriber, both idle until told.

    ``name`` is the full name of its admin device, in lower case. All names end in ``suffix``.
    """

    def __init__(self, process: ChildProcess, instance: str, tango_host: str, suffix: str = "") -> None:
        prefix = f"tango://{tango_host}"
        self.process = process
        self.instance = instance
        self.name = f"{prefix}/dserver/{SERVER.lower()}/{instance}{suffix}"
        self.publisher = Publisher(f"{prefix}/test/publisher/{instance}{suffix}")
        self.subscriber = Subscriber(f"{prefix}/test/subscriber/{instance}{suffix}")
        self.admin = tango.DeviceProxy(self.name)

    def query(self) -> str:
        """The reply of ``QueryEventSystem`` as it comes."""
        return str(self.admin.QueryEventSystem())

    def stop(self) -> None:
        self.process.stop()

    def start(self) -> None:
        """Start the process again, under the same names, and wait until the old handles work again."""
        self.process.start()
        for proxy in (self.admin, self.publisher.proxy, self.subscriber.proxy):
            wait_until(partial(_answers, proxy), f"{proxy.dev_name()} to answer again")

    def restart(self) -> None:
        """Stop the process and start it again."""
        self.stop()
        self.start()


def devices_of(instance: str) -> list[tuple[str, str]]:
    """The (class, device) pairs of a demo server."""
    return [("Publisher", f"test/publisher/{instance}"), ("Subscriber", f"test/subscriber/{instance}")]


def _corba_port(pid: int) -> int:
    """The port on which a process answers requests, told from those of its events.

    ZeroMQ greets whoever connects, CORBA waits for the client to speak.
    """
    connections = psutil.Process(pid).net_connections("tcp")
    ports = [c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN]
    return next(port for port in ports if not _greets(port))


def _greets(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        try:
            return connection.recv(1) != b""
        except TimeoutError:
            return False


def _answers(proxy: tango.DeviceProxy) -> bool:
    # After a failure cppTango does not try to connect again before a second has passed.
    try:
        proxy.ping()
    except tango.DevFailed:
        return False
    return True


class ServerFactory:
    """Starts servers against one database and stops them all in the end."""

    _instances = itertools.count(1)

    def __init__(self, database: EmbeddedDatabase, directory: Path) -> None:
        self._database = database
        self._directory = directory
        self._processes: list[ChildProcess] = []

    def __call__(self) -> Server:
        """One more demo server, ready, with an instance name of its own."""
        instance = f"t{next(self._instances)}"
        self._database.add_server(f"{SERVER}/{instance}", devices_of(instance))
        process = self.start("stem_device.demo.devices", instance)
        return Server(process, instance, self._database.tango_host)

    def without_database(self) -> Server:
        """A demo server that no database knows."""
        instance = f"t{next(self._instances)}"
        devices = ",".join(f"{class_name}::{device}" for class_name, device in devices_of(instance))
        process = self.start("stem_device.demo.devices", instance, "-nodb", "-dlist", devices)
        return Server(process, instance, f"127.0.0.1:{_corba_port(process.pid)}", "#dbase=no")

    def start(
        self,
        module: str,
        instance: str,
        *arguments: str,
        register: tuple[str, list[tuple[str, str]]] | None = None,
        properties: Mapping[str, Mapping[str, list[str]]] | None = None,
    ) -> ChildProcess:
        """Run ``python -m module instance`` as a Tango server on loopback and wait until it is ready.

        ``register`` is (``Executable/instance``, its (class, device) pairs); ``properties`` are by device.
        """
        if register is not None:
            self._database.add_server(*register)
        for device, values in (properties or {}).items():
            self._database.put_properties(device, values)
        log = self._directory / f"{module.rsplit('.', 1)[-1]}-{instance}.log"
        process = tango_server(
            module, instance, log=log, tango_host=self._database.tango_host, arguments=arguments
        )
        self.adopt(process)
        return process.start()

    def adopt(self, process: ChildProcess) -> None:
        """Stop this one too in the end."""
        self._processes.append(process)

    def stop(self) -> None:
        while self._processes:
            self._processes.pop().stop()
