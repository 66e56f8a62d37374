"""A Tango database of our own: pytango-db in a child process, on loopback, on a free port."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import tango

from stem_device.demo.processes import START_SECONDS, ChildProcess
from stem_device.errors import MissingExtraError

EXECUTABLE = "PyDatabaseds"
HOST = "127.0.0.1"
_PORT = re.compile(r"Database DS listening on: host=\S+, port=(\d+)")


class EmbeddedDatabase:
    """Starts, stops and restarts one database server; it leaves the environment alone.

    ``file`` is kept between restarts, and with it the port. Without it the database lives in memory and
    cannot be started again. Raises MissingExtraError if pytango-db is not installed,
    ProcessError if it does not start.
    """

    def __init__(self, directory: Path, *, file: Path | None = None, host: str = HOST) -> None:
        self._directory = directory
        self._host = host
        self._file = file
        # Port 0 is the safe choice. But a port taken that way lacks SO_REUSEADDR and stays blocked for a
        # minute after the server has gone; where it is to be used again, it must have been asked for.
        self._port = 0 if file is None else _free_port(host)
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def tango_host(self) -> str:
        """``host:port``, as for the environment variable TANGO_HOST."""
        return f"{self._host}:{self._port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self, *, limit_seconds: float = START_SECONDS) -> Self:
        """Start it and return once it answers."""
        process = ChildProcess(
            [str(_executable()), "--host", self._host, "--port", str(self._port), "--print-host-port", "2"],
            log=self._directory / "database.log",
            name=EXECUTABLE,
            environment={**os.environ, "PYTANGO_DATABASE_NAME": str(self._file or ":memory:")},
        )
        self._process = process.start()
        try:
            port = process.wait_ready(lambda: _PORT.search(process.output()), limit_seconds=limit_seconds)
            self._port = int(port.group(1))
            process.wait_ready(self._answers, limit_seconds=limit_seconds)
        except BaseException:
            process.stop()
            raise
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it at once, as a machine that loses power."""
        if self._process is not None:
            self._process.kill()

    def connection(self) -> tango.Database:
        """A client of this database, whatever TANGO_HOST says."""
        return tango.Database(self._host, self._port)

    def add_server(self, server: str, devices: Sequence[tuple[str, str]]) -> None:
        """As the function of that name."""
        add_server(self.connection(), server, devices)

    def put_properties(self, device: str, properties: Mapping[str, Sequence[str]]) -> None:
        """Write properties of one device."""
        self.connection().put_device_property(device, {name: list(v) for name, v in properties.items()})

    def _answers(self) -> bool:
        try:
            self.connection().get_info()
        except tango.DevFailed:
            return False
        return True


def add_server(connection: tango.Database, server: str, devices: Sequence[tuple[str, str]]) -> None:
    """Register ``server`` (``Executable/instance``) with its (class, device) pairs.

    Devices that exist already are left alone: adding them again would un-export them.
    """
    known = set(connection.get_device_class_list(server).value_string[::2])
    for class_name, device in devices:
        if device in known:
            continue
        record = tango.DbDevInfo()
        record.server, record._class, record.name = server, class_name, device
        connection.add_device(record)


def _free_port(host: str) -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _executable() -> Path:
    """Where pytango-db is installed: beside the interpreter, or on the path."""
    beside = Path(sys.executable).with_name(EXECUTABLE)
    found = str(beside) if beside.exists() else shutil.which(EXECUTABLE)
    if found is None:
        raise MissingExtraError("demo", "an embedded Tango database")
    return Path(found)
