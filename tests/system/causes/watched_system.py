"""A publisher, a subscriber and a monitor on loopback, for one history with a known cause."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import tango

from stem_device.analysis.causes import losers
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import tango_server, wait_until
from stem_device.model.finding import Finding
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from tests.system.harness import Server
from tests.system.harness.servers import devices_of

HIGH_WATER = 100
"""Events each queue holds here: overflows take 200 events instead of 2000."""

_PORT = re.compile(r"tcp://[^ ]*:(\d+)")
_instances = itertools.count(1)


class WatchedSystem:
    """Two demo servers and a Monitor that polls them; ``stop`` stops all of it."""

    def __init__(
        self,
        database: EmbeddedDatabase,
        directory: Path,
        *,
        period: float = 0.5,
        sampled: bool = False,
        record: bool = False,
        refusing: Path | None = None,
    ) -> None:
        """``refusing`` is the library that lets the subscriber be refused; see ``refuse_ports_of``."""
        self._database, self._directory = database, directory
        self.seen: list[tuple[Finding, ...]] = []
        self.last: Snapshot | None = None
        self._servers: list[Server] = []
        self.refused = directory / f"refused-{next(_instances)}"
        self.publisher = self.server()
        preload = {
            "LD_PRELOAD": str(refusing),
            "REFUSED_PORTS": str(self.refused),
            "ORBclientTransportRule": "* tcp",  # on one machine it were a socket of the file system
        }
        self.subscriber = self.server(preload if refusing else None)
        self.monitor = Monitor(
            Options(
                target_devices=(self.publisher.name, self.subscriber.name),
                poll_period=period,
                monitor_performance=sampled,
                recording_directory=directory,
                record_on_start=record,
            )
        )
        self.monitor.at_each_poll(self._take)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def server(self, environment: dict[str, str] | None = None) -> Server:
        """One more demo server, with short queues."""
        instance = f"c{next(_instances)}"
        self._database.add_server(f"{SERVER}/{instance}", devices_of(instance))
        process = tango_server(
            "stem_device.demo.devices",
            instance,
            log=self._directory / f"{instance}.log",
            tango_host=self._database.tango_host,
        )
        queues = {
            "TANGO_EVENT_BUFFER_HWM": str(HIGH_WATER),
            "TANGO_DS_EVENT_BUFFER_HWM": str(HIGH_WATER),
        }
        process.environment = {**process.environment, **queues, **(environment or {})}
        process.start()
        server = Server(process, instance, self._database.tango_host)
        self._servers.append(server)
        return server

    def watch(self, polls: int = 3) -> None:
        """Begin to monitor, and go on for some polls."""
        self.monitor.start()
        self.wait_polls(polls)

    def wait_polls(self, polls: int) -> None:
        wanted = len(self.seen) + polls
        limit = 30 + polls * self.monitor.poll_period * 3
        wait_until(lambda: len(self.seen) >= wanted, f"{polls} polls", limit_seconds=limit)

    def wait_seconds(self, seconds: float) -> None:
        """Let polls go on for so long: what is measured here are times."""
        time.sleep(seconds)
        self.wait_polls(1)

    def wait_finding(self, condition: Callable[[Finding], bool], limit_seconds: float = 45.0) -> None:
        """Until a subscription has such a finding; for so long at most, the table shows what came instead."""
        end = time.monotonic() + limit_seconds
        while time.monotonic() < end and not any(condition(one) for one in self.findings):
            time.sleep(0.1)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the last poll."""
        return self.seen[-1] if self.seen else ()

    def refuse_events_of(self, server: Server) -> None:
        """From now on the subscriber cannot connect to this server's events and heartbeats."""
        told = server.admin.ZmqEventSubscriptionChange(["info"])
        self._refuse({port for text in told[1] for port in _PORT.findall(text)})

    def refuse(self, server: Server) -> None:
        """From now on the subscriber cannot connect to any port of this server."""
        listening = psutil.Process(server.process.pid).net_connections("tcp")
        self._refuse({str(one.laddr.port) for one in listening if one.status == psutil.CONN_LISTEN})

    def _refuse(self, ports: set[str]) -> None:
        self.refused.write_text("\n".join(sorted(ports)))

    def stop(self) -> None:
        self.monitor.stop()
        for server in self._servers:
            server.process.kill()

    def _take(self, snapshot: Snapshot) -> None:
        self.last = snapshot
        self.seen.append(losers(snapshot.findings))


def refusing_library(directory: Path) -> Path | None:
    """The compiled library, or None without a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    library = directory / "refused_ports.so"
    if not library.exists():
        source = Path(__file__).with_name("refused_ports.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def wait_started(server: Server) -> None:
    """Until its old handles work again."""
    wait_until(lambda: _answers(server), f"{server.name} to answer")


def _answers(server: Server) -> bool:
    try:
        server.admin.ping()
    except tango.DevFailed:
        return False
    return True
