"""Asks Tango databases, and sees soon and cheaply whether one that is down is back."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

import tango

from stem_device.errors import TargetDatabaseError
from stem_device.model.clock import Clock, SystemClock
from stem_device.polling.names import full_name
from stem_device.polling.tango_errors import (
    DATABASE,
    DATABASE_SILENT,
    UNDEFINED,
    first_words,
    is_about_connection,
)

RETRY_SECONDS = 2.0
"""A database that failed is tried again after this, by one thread alone; all others are told at once."""

_OBJECT_KEY = b"database"  # of every Tango database, in its CORBA address
_LOCATE_REQUEST, _LOCATE_REPLY = 3, 4
_GIOP_HEADER = struct.Struct("<4sBBBBI")

Probe = Callable[[str, float], bool]
Connect = Callable[[str], Any]


class Databases:
    """Connections to databases, one each, for any number of threads.

    A database counts as down when it does not answer, or answers with an error of its own (its SQL server is
    away). It is spoken to as any device: the methods of ``tango.Database`` hold Python's global lock while
    they wait. To connect to a database that hangs takes Tango one to three minutes (measured), so before
    that ``probe`` sees whether it is there at all.
    """

    def __init__(
        self,
        timeout_seconds: float,
        *,
        clock: Clock | None = None,
        probe: Probe | None = None,
        connect: Connect = tango.DeviceProxy,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._clock = clock or SystemClock()
        self._probe = probe or answers_corba
        self._connect = connect
        self._lines: dict[str, _Line] = {}
        self._alternatives: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def set_addresses(self, addresses: Sequence[str]) -> None:
        """Several addresses of one database: where one does not answer the others are asked, in order."""
        for address in addresses:
            others = (other for other in addresses if other != address)
            self._alternatives[address] = (address, *others)

    def present(self, host: str) -> str:
        """The address at which this database answered last."""
        return self._alternatives.get(host, (host,))[0]

    def ask(self, host: str, command: str, argument: str) -> Any:
        """What one command returns; ``tango.DevFailed`` of the command itself passes.

        Raises TargetDatabaseError where the database is down.
        """
        addresses = self._alternatives.get(host, (host,))
        first: TargetDatabaseError | None = None
        for address in addresses:
            try:
                answer = self._ask_at(address, command, argument)
            except TargetDatabaseError as error:
                first = first or error
                continue
            if address != addresses[0]:
                others = (other for other in addresses if other != address)
                self._alternatives[host] = (address, *others)
            return answer
        problem = first.reason if first is not None else DATABASE_SILENT
        raise TargetDatabaseError(",".join(addresses), problem) from first

    def _ask_at(self, host: str, command: str, argument: str) -> Any:
        with self._lock:
            line = self._lines.setdefault(host, _Line())
        if line.problem is None:
            return self._asked(host, line, command, argument)
        now = self._clock.monotonic_ns()
        if now - line.failed_ns < RETRY_SECONDS * 1e9 or not line.trying.acquire(blocking=False):
            raise TargetDatabaseError(host, line.problem)
        try:
            if not self._probe(host, self._timeout_seconds):
                raise self._down(host, line, line.problem)
            return self._asked(host, line, command, argument)
        finally:
            line.trying.release()

    def _asked(self, host: str, line: _Line, command: str, argument: str) -> Any:
        try:
            answer = self._proxy(host, line).command_inout(command, argument)
        except tango.DevFailed as error:
            problem = _problem(error)
            if problem is None:
                line.problem = None
                raise
            raise self._down(host, line, problem) from error
        line.problem = None
        return answer

    def _proxy(self, host: str, line: _Line) -> Any:
        if line.proxy is None:
            if not self._probe(host, self._timeout_seconds):
                raise self._down(host, line, DATABASE_SILENT)
            proxy = self._connect(full_name(host, DATABASE))
            # Without this one call would wait through several attempts to connect again.
            proxy.set_transparency_reconnection(False)
            proxy.ping()  # see TargetClient: no time limit may be set before it is connected
            proxy.set_timeout_millis(round(self._timeout_seconds * 1000))
            line.proxy = proxy
        return line.proxy

    def _down(self, host: str, line: _Line, problem: str) -> TargetDatabaseError:
        line.proxy = None
        line.problem = problem
        line.failed_ns = self._clock.monotonic_ns()
        return TargetDatabaseError(host, problem)


class _Line:
    """One database. ``problem`` is None while it is up."""

    def __init__(self) -> None:
        self.proxy: Any = None
        self.problem: str | None = None
        self.failed_ns = 0
        self.trying = threading.Lock()


def _problem(error: tango.DevFailed) -> str | None:
    """What is wrong with the database; None where it is in order, and only refuses what was asked."""
    if is_about_connection(error):
        return DATABASE_SILENT
    if any(item.reason in UNDEFINED for item in error.args):
        return None
    return f"answers with an error: {first_words(error)}; mend it, or the SQL server behind it"


def answers_corba(host: str, timeout_seconds: float) -> bool:
    """Whether the process at ``host:port`` still answers: a GIOP LocateRequest, which every ORB replies to.

    A process that hangs accepts connections, since the kernel does, and says nothing.
    """
    name, _, port = host.rpartition(":")
    body = struct.pack("<II", 1, len(_OBJECT_KEY)) + _OBJECT_KEY
    request = _GIOP_HEADER.pack(b"GIOP", 1, 0, 1, _LOCATE_REQUEST, len(body)) + body
    try:
        with socket.create_connection((name.strip("[]"), int(port)), timeout=timeout_seconds) as connection:
            connection.sendall(request)
            return bool(connection.recv(1))
    except (OSError, ValueError):
        return False
