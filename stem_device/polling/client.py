"""One target's remote commands. The only place that calls them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol

import tango
from msgspec import Struct

from stem_device.errors import (
    TargetDatabaseError,
    TargetError,
    TargetFailingError,
    TargetNotExportedError,
    TargetSilentError,
    TargetUnreachableError,
)
from stem_device.model.clock import Clock, SystemClock
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.identity import Identify, Process
from stem_device.polling.tango_errors import (
    REFUSED_SECONDS,
    explain,
    is_about_connection,
    is_delayed,
    is_missing_command,
    is_refused,
    is_timeout,
    is_turned_away,
    refused,
    unsupported,
)
from stem_device.text import visible

QUERY = "QueryEventSystem"
ENABLE = "EnableEventSystemPerfMon"
START = "StartEventSystemPerfMon"
STOP = "StopEventSystemPerfMon"
SUBSCRIPTION_CHANGE = "ZmqEventSubscriptionChange"

IDLE_SECONDS = 100.0
"""After 120 s without a call omniORB closes a connection and later makes it anew, and tells nobody."""

MAX_VERSION_CHARACTERS = 40
"""Versions have about ten; a server may claim any text to be its version."""

RESTARTS = 3
"""So often it is tried to connect to a server that is being restarted just now."""

_connections = itertools.count(1)


class Proxy(Protocol):
    """What is used of a ``tango.DeviceProxy``."""

    def command_inout(self, name: str, argument: Any = None, /) -> Any: ...
    def ping(self) -> int: ...
    def set_timeout_millis(self, millis: int, /) -> None: ...
    def set_transparency_reconnection(self, on: bool, /) -> None: ...
    def info(self) -> Any: ...
    def get_tango_lib_version(self) -> int: ...


Connect = Callable[[str], Proxy]


def connect_device(name: str) -> Proxy:
    """The real thing. Raises tango.DevFailed."""
    proxy: Proxy = tango.DeviceProxy(name)
    return proxy


class Endpoints(Struct, frozen=True):
    """Where a process publishes; empty where it does not, or does not tell."""

    events: tuple[str, ...] = ()
    heartbeats: tuple[str, ...] = ()


class TargetClient:
    """Asks one target. Not for several threads at once.

    Every method raises TargetError: its subclass is the state of the server, its reason tells an operator
    what to do. A proxy whose server is gone is replaced, so that a server is found again at its new address.

    Whenever a connection is made anew ``identify`` is asked for the process before and after: if both are the
    same, it is the one that the connection leads to, and that every reply over it comes from.
    Nothing is asked of a process that is not known: while the database does not tell, there is no reply.
    """

    def __init__(
        self,
        target: str,
        timeout_seconds: float,
        connect: Connect = connect_device,
        *,
        identify: Identify,
        clock: Clock | None = None,
    ) -> None:
        self.target = target
        self.timeout_seconds = timeout_seconds
        self._connect = connect
        self._identify = identify
        self._clock = clock or SystemClock()
        self._has_database = not target.endswith(NO_DATABASE)
        self._proxy: Proxy | None = None
        self._connected = False
        self._process: Process | None = None
        self._told: Endpoints | None = None  # what the process said first, where no database tells them apart
        self._called_ns = 0
        self._cause: TargetError | None = None
        self.asks_database = False
        """Whether the call that is under way waits for the database, and not for the server."""
        self._tango_version = ""

    @property
    def process(self) -> Process | None:
        """The one at the other end of the connection; None while there is none."""
        return self._process if self._connected else None

    def query(self) -> str:
        """The reply of QueryEventSystem, as it came."""
        try:
            text = self._call(QUERY)
        except tango.DevFailed as error:
            if is_missing_command(error):
                raise unsupported(self.target, self.tango_version()) from error
            raise self._explained(error) from error
        if not isinstance(text, str):
            raise TargetFailingError(
                self.target,
                f"its command {QUERY} returns {type(text).__name__} and no text; name another device",
            )
        return text

    def switch_sampling(self, on: bool) -> None:
        """Have the server sample the timing of its events, or stop it.

        Raises TargetUnsupportedError where the server has no command for it.
        """
        try:
            try:
                self._call(ENABLE, on)
            except tango.DevFailed as error:
                if not is_missing_command(error):
                    raise
                self._call(START if on else STOP)
        except tango.DevFailed as error:
            if is_missing_command(error):
                raise unsupported(self.target, self._tango_version) from error
            raise self._explained(error) from error

    def endpoints(self) -> Endpoints:
        """Where the server publishes. Raises TargetUnsupportedError for a device that is no admin device."""
        try:
            answer = self._call(SUBSCRIPTION_CHANGE, ["info"])
        except tango.DevFailed as error:
            if is_missing_command(error):
                raise unsupported(self.target, self._tango_version) from error
            raise self._explained(error) from error
        return endpoints_of(answer)

    def tango_version(self) -> str:
        """As ``10.3.3``; empty if the server does not tell. Asked once for each connection."""
        if not self._tango_version and self._proxy is not None:
            try:
                self._tango_version = _version(self._proxy)
            except tango.DevFailed:
                return ""
        return self._tango_version

    def _call(self, command: str, *arguments: Any) -> Any:
        """Call once; where the connection was lost, once more over a new one."""
        lost: tango.DevFailed | None = None
        if self._connected and self._proxy is not None and not self._may_be_another():
            try:
                return self._called(self._proxy, command, *arguments)
            except tango.DevFailed as error:
                if not is_about_connection(error) or is_timeout(error) or is_turned_away(error):
                    raise
                lost = error
                self._forget()
        return self._called(self._connect_anew(lost), command, *arguments)

    def _called(self, proxy: Proxy, command: str, *arguments: Any) -> Any:
        answer = proxy.command_inout(command, *arguments)
        self._called_ns = self._clock.monotonic_ns()
        return answer

    def _may_be_another(self) -> bool:
        """Whether omniORB may have connected again to whatever is at the same address now.

        With a database the object's reference leads to one process alone; without, it is but a name.
        """
        idle_ns = self._clock.monotonic_ns() - self._called_ns
        return not self._has_database and idle_ns >= IDLE_SECONDS * 1e9

    def _forget(self) -> None:
        """The process at the other end is no more, or its connection is cut."""
        self._connected = False
        self._proxy, self._process, self._told = None, None, None
        self._tango_version = ""

    def _connect_anew(self, lost: tango.DevFailed | None) -> Proxy:
        """Connect, and see to which process; ``lost`` is how the connection before came to its end."""
        self._connected = False
        begun = self._clock.monotonic_ns()
        try:
            proxy, process = self._sure_process()
        except tango.DevFailed as error:
            took = (self._clock.monotonic_ns() - begun) / 1e9
            raise self._not_connected(error, took) from error
        except TargetDatabaseError as error:
            if lost is not None and is_refused(lost):
                raise refused(self.target, unknown_since=error) from lost
            raise
        if self._process is None or self._process.key != process.key:
            self._tango_version = ""
        self._process, self._connected, self._cause = process, True, None
        self._called_ns = self._clock.monotonic_ns()
        return proxy

    def _sure_process(self) -> tuple[Proxy, Process]:
        """A connection, and the process at its other end."""
        if not self._has_database:
            proxy = self._pinged()
            return proxy, self._without_database(proxy)
        for _ in range(RESTARTS):
            before = self._identified()
            proxy = self._pinged()
            if self._identified() == before:
                return proxy, before
            self._proxy = None
        raise TargetSilentError(
            self.target, "is being restarted again and again; it is asked at the next poll"
        )

    def _identified(self) -> Process:
        self.asks_database = True
        try:
            return self._identify(self.target)
        finally:
            self.asks_database = False

    def _pinged(self) -> Proxy:
        proxy = self._proxy
        if proxy is None:
            proxy = self._proxy = self._connect(self.target)
            # cppTango's own second attempt would double the time limit and hide the first cause.
            proxy.set_transparency_reconnection(False)
        # A proxy that is not connected connects when its time limit is set, and holds Python's global lock
        # meanwhile: a hung server would stop all threads. So connect first, which releases the lock.
        proxy.ping()
        proxy.set_timeout_millis(max(1, round(self.timeout_seconds * 1000)))
        return proxy

    def _without_database(self, proxy: Proxy) -> Process:
        """A new connection is a new process, but for one that was only silent, or not asked for long.

        That one is the same unless its heartbeats come from elsewhere now.
        """
        known, before = self._process, self._told
        try:
            told = endpoints_of(proxy.command_inout(SUBSCRIPTION_CHANGE, ["info"]))
        except tango.DevFailed as error:
            if is_about_connection(error):
                raise
            told = Endpoints()  # a relay has no such command
        self._told = told
        moved = before is not None and told.heartbeats and before.heartbeats not in ((), told.heartbeats)
        if known is not None and not moved:
            return known
        return Process(f"connection {next(_connections)}")

    def _not_connected(self, error: tango.DevFailed, took_seconds: float) -> TargetError:
        """Why there is no connection. Right after a failed attempt cppTango makes none: all is as before."""
        cause: TargetError
        if is_delayed(error) and took_seconds < REFUSED_SECONDS:
            cause = self._cause or refused(self.target)
        else:
            cause = explain(self.target, error, self.timeout_seconds, took_seconds)
        self._note(cause)
        return cause

    def _explained(self, error: tango.DevFailed) -> TargetError:
        cause = explain(self.target, error, self.timeout_seconds)
        self._note(cause)
        return cause

    def _note(self, cause: TargetError) -> None:
        """From now on Tango would connect again and not say to which process: so it is done here."""
        if not isinstance(cause, TargetUnreachableError | TargetNotExportedError):
            return
        self._connected, self._cause = False, cause
        if not isinstance(cause, TargetSilentError):
            self._process, self._told = None, None
        if isinstance(cause, TargetDatabaseError):
            self._proxy = None  # the database may have another address by now


def endpoints_of(answer: Any) -> Endpoints:
    """From the texts "Heartbeat: tcp://..." and "Event: tcp://..."; no address where there is none."""
    found: dict[str, list[str]] = {"Event": [], "Heartbeat": []}
    for line in answer[1]:
        kind, _, address = str(line).partition(": ")
        if kind in found and address.strip():
            found[kind].append(address.strip())
    return Endpoints(tuple(found["Event"]), tuple(found["Heartbeat"]))


def _version(proxy: Proxy) -> str:
    """As ``10.3.3``; of a server before 10.0 only ``9.x``, which is all that can be told from outside.

    Measured: ``get_tango_lib_version`` says 902 for a server of 9.5.0; it goes by the commands there are.
    """
    told = getattr(proxy.info(), "version_info", None) or {}
    if "cppTango" in told:
        return visible(str(told["cppTango"]))[:MAX_VERSION_CHARACTERS]
    number = int(proxy.get_tango_lib_version())
    return f"{number // 100}.x" if number > 0 else ""
