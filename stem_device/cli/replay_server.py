"""The device server of ``stem replay``, in a child process."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import tango

from stem_device.demo.processes import ChildProcess
from stem_device.device.replay_plan import Progress
from stem_device.device.replaying import FILE, INSTANCE, SERVER, SPEED
from stem_device.model.topics import NO_DATABASE

READY_SECONDS = 60.0
"""It reads the file first: a million events take some seconds."""


class ReplayServer:
    """A server without a database. A context manager; raises ProcessError where it does not start."""

    def __init__(self, file: Path, host: str, port: int, speed: float, devices: Iterable[str]) -> None:
        self._address = f"{host}:{port}"
        listed = sorted(devices)
        self.names = tuple(f"tango://{self._address}/{device}{NO_DATABASE}" for device in listed)
        self._folder = tempfile.TemporaryDirectory(prefix="stem-replay-")
        self._process = ChildProcess(
            [
                *(sys.executable, "-m", "stem_device.device.replaying", INSTANCE),
                *("-ORBendPoint", f"giop:tcp:{self._address}"),
            ],
            log=Path(self._folder.name) / "server.log",
            name=f"{SERVER} {INSTANCE}",
            environment={**os.environ, FILE: str(file.absolute()), SPEED: repr(speed)},
        )
        self._proxy: Any = None

    def __enter__(self) -> Self:
        try:
            self._process.start()
            self._proxy = self._process.wait_ready(self._answering, limit_seconds=READY_SECONDS)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def has_subscriber(self) -> bool:
        """Whether somebody has subscribed: only then the server has an event port."""
        admin = tango.DeviceProxy(f"tango://{self._address}/dserver/{SERVER}/{INSTANCE}{NO_DATABASE}")
        told = admin.command_inout("ZmqEventSubscriptionChange", ["info"])[1]
        return any(str(line).startswith("Event: tcp") for line in told)

    def begin(self) -> None:
        """Publish from the first event on."""
        self._proxy.command_inout("Begin")

    def progress(self) -> Progress:
        """How far it is."""
        return msgspec.json.decode(self._proxy.command_inout("Progress"), type=Progress)

    def _stop(self) -> None:
        self._process.stop()
        self._folder.cleanup()

    def _answering(self) -> Any:
        try:
            proxy = tango.DeviceProxy(self.names[0])
            proxy.ping()
        except tango.DevFailed:
            return None
        return proxy
