"""What is asked of the Tango databases, and of a device to see whether it is a target of its own."""

from __future__ import annotations

import socket
from typing import Any, Protocol

import tango
from msgspec import Struct

from stem_device.errors import TargetError, TargetUnreachableError
from stem_device.polling.client import QUERY
from stem_device.polling.names import admin_path, full_name
from stem_device.polling.reasons import explain, first_words

DATABASE = "sys/database/2"
"""The name of every Tango database as a device."""

DATABASE_DOWN = (
    "does not answer, so that no new servers are found (known ones are still monitored); "
    "start it, or correct TANGO_HOST or the name of the target"
)

_UNDEFINED = ("DB_DeviceNotDefined", "DB_DeviceNotFound", "DB_AliasNotDefined")


class _UndefinedError(TargetError):
    """The database answers, and knows no such name."""


class Entry(Struct, frozen=True):
    """One device in the database: the admin device of its server, and its class. ``exported``: it runs."""

    admin: str
    class_name: str
    exported: bool


class Directory(Protocol):
    """Where targets are looked up. Every method may take seconds, and raises TargetError."""

    def default_host(self) -> str:
        """``host:port`` of the default database."""

    def identity(self, host: str) -> str:
        """What is the same for every name of one database, and differs between databases."""

    def address(self, host: str) -> str:
        """The same for every name of one machine and port, without asking any database."""

    def matching(self, host: str, pattern: str) -> tuple[str, ...]:
        """The devices in the database that a pattern matches, running or not, in lower case."""

    def entry(self, host: str, device: str) -> Entry | None:
        """What the database knows of a device; None if it knows none of that name."""

    def device_of_alias(self, host: str, alias: str) -> str | None:
        """The device behind an alias; None if there is none."""

    def has_query(self, device: str) -> bool:
        """Whether a running device has the command QueryEventSystem."""

    def admin_without_database(self, device: str) -> str:
        """``dserver/x/y`` of the server of a running device that is in no database."""


class TangoDirectory:
    """The real one. Calls take ``timeout_seconds`` at most; connecting to a hung database takes a minute.

    It speaks to the database as to any device: the methods of ``tango.Database`` hold Python's global lock
    while they wait, so that a hung database would stop every thread of the process.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._databases: dict[str, tango.DeviceProxy] = {}

    def default_host(self) -> str:
        host: str | None = tango.ApiUtil.get_env_var("TANGO_HOST")
        if not host:
            raise TargetUnreachableError(
                "the default database", "TANGO_HOST is not set; set it to host:port of the Tango database"
            )
        return host.split(",")[0].strip().lower()

    def identity(self, host: str) -> str:
        return str(self._ask(host, "DbImportDevice", DATABASE)[1][1])

    def address(self, host: str) -> str:
        name, _, port = host.rpartition(":")
        try:
            found = socket.getaddrinfo(name.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except OSError:
            return host
        return f"{sorted(str(item[4][0]) for item in found)[0]}:{port}"

    def matching(self, host: str, pattern: str) -> tuple[str, ...]:
        names = self._ask(host, "DbGetDeviceWideList", pattern)
        return tuple(sorted({name.lower() for name in names if name}))

    def entry(self, host: str, device: str) -> Entry | None:
        try:
            numbers, texts = self._ask(host, "DbGetDeviceInfo", device)
        except _UndefinedError:
            return None
        admin = device if device.startswith("dserver/") else admin_path(texts[3])
        return Entry(admin=admin, class_name=texts[7] if len(texts) > 7 else "", exported=bool(numbers[0]))

    def device_of_alias(self, host: str, alias: str) -> str | None:
        try:
            return str(self._ask(host, "DbGetAliasDevice", alias)).lower()
        except _UndefinedError:
            return None

    def has_query(self, device: str) -> bool:
        try:
            proxy = tango.DeviceProxy(device)
            proxy.set_transparency_reconnection(False)
            return QUERY.lower() in (name.lower() for name in proxy.get_command_list())
        except tango.DevFailed as error:
            raise explain(device, error, self._timeout_seconds) from error

    def admin_without_database(self, device: str) -> str:
        try:
            proxy = tango.DeviceProxy(device)
            name: str = proxy.adm_name()
        except tango.DevFailed as error:
            raise explain(device, error, self._timeout_seconds) from error
        path = name.lower().removesuffix("#dbase=no")
        return "/".join(path.split("/")[-3:])

    def _ask(self, host: str, command: str, argument: str) -> Any:
        """One command of the database; after a failure the next one makes a new connection."""
        try:
            if host not in self._databases:
                proxy = tango.DeviceProxy(full_name(host, DATABASE))
                proxy.ping()  # see TargetClient: no time limit may be set before it is connected
                proxy.set_timeout_millis(round(self._timeout_seconds * 1000))
                self._databases[host] = proxy
            return self._databases[host].command_inout(command, argument)
        except tango.DevFailed as error:
            if any(item.reason in _UNDEFINED for item in error.args):
                raise _UndefinedError(argument, "is not in the database") from error
            self._databases.pop(host, None)
            if error.args and error.args[0].reason.startswith("DB_"):
                reason = f"answers with an error: {first_words(error)}"
                raise TargetError(f"the database {host}", reason) from error
            raise TargetUnreachableError(f"the database {host}", DATABASE_DOWN) from error
