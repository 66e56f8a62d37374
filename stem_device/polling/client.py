"""One target's remote commands. The only place that calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import tango

from stem_device.errors import TargetError, TargetFailingError, TargetUnreachableError
from stem_device.polling.reasons import (
    explain,
    is_delayed,
    is_missing_command,
    not_exported,
    unreachable,
    unsupported,
)

QUERY = "QueryEventSystem"
ENABLE = "EnableEventSystemPerfMon"
START = "StartEventSystemPerfMon"
STOP = "StopEventSystemPerfMon"


class Proxy(Protocol):
    """What is used of a ``tango.DeviceProxy``."""

    def command_inout(self, name: str, argument: Any = None, /) -> Any: ...
    def ping(self) -> int: ...
    def set_timeout_millis(self, millis: int, /) -> None: ...
    def set_transparency_reconnection(self, on: bool, /) -> None: ...
    def import_info(self) -> Any: ...
    def info(self) -> Any: ...
    def get_tango_lib_version(self) -> int: ...


Connect = Callable[[str], Proxy]


def connect_device(name: str) -> Proxy:
    """The real thing. Raises tango.DevFailed."""
    proxy: Proxy = tango.DeviceProxy(name)
    return proxy


class TargetClient:
    """Asks one target. Not for several threads at once.

    Every method raises TargetError: its subclass is the state of the server, its reason tells an operator
    what to do. A proxy whose server is gone is replaced, so that a server is found again at its new address;
    one whose server hangs is kept, since to connect anew would take longer.
    """

    def __init__(self, target: str, timeout_seconds: float, connect: Connect = connect_device) -> None:
        self.target = target
        self.timeout_seconds = timeout_seconds
        self._connect = connect
        self._proxy: Proxy | None = None
        self._connected = False
        self._tango_version = ""

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

    def tango_version(self) -> str:
        """As ``10.3.3``; empty if the server does not tell. Asked once for each connection."""
        if not self._tango_version and self._proxy is not None:
            try:
                self._tango_version = _version(self._proxy)
            except tango.DevFailed:
                return ""
        return self._tango_version

    def _call(self, command: str, *arguments: Any) -> Any:
        """Call once; where the connection was lost, once more with a new proxy."""
        if self._proxy is None or not self._connected:
            return self._fresh().command_inout(command, *arguments)
        try:
            return self._proxy.command_inout(command, *arguments)
        except tango.DevFailed as error:
            if not self._lost(error):
                raise
        return self._fresh().command_inout(command, *arguments)

    def _lost(self, error: tango.DevFailed) -> bool:
        """Whether the server that the proxy was connected to is no more."""
        if is_missing_command(error):
            return False
        cause = explain(self.target, error, self.timeout_seconds)
        hung = isinstance(cause, TargetUnreachableError) and "did not answer" in cause.reason
        return not hung and not isinstance(cause, TargetFailingError)

    def _fresh(self) -> Proxy:
        self._proxy, self._connected = None, False
        self._tango_version = ""
        self._proxy = proxy = self._connect(self.target)
        # cppTango's own second attempt would double the time limit and hide the first cause.
        proxy.set_transparency_reconnection(False)
        # A proxy that is not connected connects when its time limit is set, and holds Python's global lock
        # meanwhile: a hung server would stop all threads. So connect first, which releases the lock.
        proxy.ping()
        proxy.set_timeout_millis(max(1, round(self.timeout_seconds * 1000)))
        self._connected = True
        return proxy

    def _explained(self, error: tango.DevFailed) -> TargetError:
        cause = (
            self._behind_delay() if is_delayed(error) else explain(self.target, error, self.timeout_seconds)
        )
        if self._proxy is not None and self._lost(error):
            self._proxy = None
        return cause

    def _behind_delay(self) -> TargetError:
        """A new proxy that could not connect says only "delayed"; the database says if the server runs."""
        if self._proxy is None or self.target.endswith("#dbase=no"):
            return unreachable(self.target)
        try:
            exported = bool(self._proxy.import_info().exported)
        except tango.DevFailed as error:
            return explain(self.target, error, self.timeout_seconds)
        return unreachable(self.target) if exported else not_exported(self.target)


def _version(proxy: Proxy) -> str:
    """As ``10.3.3``; of a server before 10.0 only ``9.x``, which is all that can be told from outside.

    Measured: ``get_tango_lib_version`` says 902 for a server of 9.5.0; it goes by the commands there are.
    """
    told = getattr(proxy.info(), "version_info", None) or {}
    if "cppTango" in told:
        return str(told["cppTango"])
    number = int(proxy.get_tango_lib_version())
    return f"{number // 100}.x" if number > 0 else ""
