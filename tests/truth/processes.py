"""The servers of a row: started, killed and started again, each end noted in its journal."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import tango

from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, wait_until
from tests.truth.journal import ROLE, Life, lives, write_end

ROOT = Path(__file__).parents[2]


class Server:
    """One server with one device. ``name`` is its admin device in full, in lower case."""

    def __init__(
        self,
        role: str,
        server: str,
        device: str,
        *,
        tango_host: str,
        directory: Path,
        environment: Mapping[str, str],
        command: Sequence[str],
    ) -> None:
        self.role = role
        self.device = device
        self.name = f"tango://{tango_host}/dserver/{server.lower()}"
        self._full = f"tango://{tango_host}/{device}"
        self._directory = directory
        self.process = ChildProcess(
            [*command, server.partition("/")[2], *LOOPBACK],
            log=directory / f"{role}.log",
            name=server,
            environment={
                **os.environ,
                "TANGO_HOST": tango_host,
                "PYTHONPATH": str(ROOT),
                ROLE: role,
                **environment,
            },
            ready_line=READY_LINE,
        )

    def start(self) -> None:
        # Other rows start servers of their own meanwhile: patience.
        self.process.start(limit_seconds=60)
        self.proxy = tango.DeviceProxy(self._full)
        self.proxy.set_timeout_millis(60_000)
        wait_until(self._answers, f"{self.device} to answer", limit_seconds=60)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal, reap the process, and note when it was gone."""
        pid = self.process.pid
        self.process.signal(number)
        self.process.wait(30)
        write_end(self._directory, self.role, pid)

    def stop(self) -> None:
        if self.process.running:
            self.process.signal(signal.SIGCONT)
            self.process.stop(limit_seconds=2)

    def admin(self) -> tango.DeviceProxy:
        return tango.DeviceProxy(self.name)

    @property
    def lives(self) -> list[Life]:
        return lives(self._directory, self.role)

    def count(self, kind: str, attribute: str) -> int:
        """Lines of this kind in the present life."""
        return len(self.lives[-1].of(kind, attribute)) if self.lives else 0

    def _answers(self) -> bool:
        try:
            self.proxy.ping()
        except tango.DevFailed:
            return False
        return True


def fixed_ports() -> dict[str, str]:
    """An environment that gives a publisher the same event ports in every life."""
    names = ("TANGO_ZMQ_EVENT_PORT", "TANGO_ZMQ_HEARTBEAT_PORT")
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return {n: str(s.getsockname()[1]) for n, s in zip(names, (one, other), strict=True)}
