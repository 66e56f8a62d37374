"""What is asked of the Tango databases, and of a device to see whether it is a target of its own."""

from __future__ import annotations

import socket
from typing import Any, Protocol

import tango
from msgspec import Struct

from stem_device.errors import TargetUndefinedError, TargetUnreachableError
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.client import QUERY
from stem_device.polling.databases import Databases
from stem_device.polling.identity import Process
from stem_device.polling.names import admin_path, as_sent, full_name, host_of, path_of
from stem_device.polling.tango_errors import DATABASE, explain, not_exported, undefined
from stem_device.responses import from_latin_1


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

    def process(self, device: str) -> Process:
        """The process behind the full name of a device, as its database has it.

        Raises TargetNotExportedError where there is none, TargetUndefinedError where there is no such device.
        """

    def present_name(self, name: str) -> str:
        """The full name under which Tango finds a device now; where its database has several addresses."""

    def device_of_alias(self, host: str, alias: str) -> str | None:
        """The device behind an alias; None if there is none."""

    def has_query(self, device: str) -> bool:
        """Whether a running device has the command QueryEventSystem."""

    def admin_without_database(self, device: str) -> str:
        """``dserver/x/y`` of the server of a running device that is in no database."""


def default_addresses() -> tuple[str, ...]:
    """Each ``host:port`` of the default database, in lower case; several addresses are one database."""
    value: str | None = tango.ApiUtil.get_env_var("TANGO_HOST")
    return tuple(part.strip().lower() for part in (value or "").split(",") if part.strip())


class TangoDirectory:
    """The real one. For any number of threads."""

    def __init__(self, timeout_seconds: float, databases: Databases | None = None) -> None:
        self._timeout_seconds = timeout_seconds
        self._default = ""
        self._databases = databases or Databases(timeout_seconds)
        # From the beginning: cppTango puts the first address into the names of streams, dead or alive.
        self._databases.set_addresses(default_addresses())

    def default_host(self) -> str:
        """Of several addresses the one that answers, as for Tango's own clients; for good, part of names."""
        addresses = default_addresses()
        if not addresses:
            raise TargetUnreachableError(
                "the default database", "TANGO_HOST is not set; set it to host:port of the Tango database"
            )
        if len(addresses) == 1:
            return addresses[0]
        if self._default not in addresses:
            self.identity(addresses[0])
            self._default = self._databases.present(addresses[0])
        return self._default

    def present_name(self, name: str) -> str:
        """A full name with the address at which its database answers now."""
        if name.endswith(NO_DATABASE):
            return name
        return full_name(self._databases.present(host_of(name)), path_of(name))

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
        return tuple(sorted({from_latin_1(name).lower() for name in names if name}))

    def entry(self, host: str, device: str) -> Entry | None:
        try:
            numbers, texts = self._ask(host, "DbGetDeviceInfo", device)
        except TargetUndefinedError:
            return None
        admin = device if device.startswith("dserver/") else admin_path(texts[3])
        return Entry(admin=admin, class_name=texts[7] if len(texts) > 7 else "", exported=bool(numbers[0]))

    def process(self, device: str) -> Process:
        host, path = host_of(device), path_of(device)
        numbers, texts = self._ask(host, "DbGetDeviceInfo", path)
        if not path.startswith("dserver/"):
            # The reference of a device changes when it is restarted within its process.
            numbers, texts = self._ask(host, "DbGetDeviceInfo", admin_path(texts[3]))
        if not numbers[0]:
            raise not_exported(device)
        pid = int(numbers[1]) if len(numbers) > 1 else 0
        started = texts[5] if len(texts) > 5 else ""
        return Process(key=texts[1], pid=pid if pid > 0 else None, started="" if started == "?" else started)

    def device_of_alias(self, host: str, alias: str) -> str | None:
        try:
            return str(self._ask(host, "DbGetAliasDevice", alias)).lower()
        except TargetUndefinedError:
            return None

    def has_query(self, device: str) -> bool:
        try:
            proxy = tango.DeviceProxy(self.present_name(device))
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
        path = name.lower().removesuffix(NO_DATABASE)
        return "/".join(path.split("/")[-3:])

    def _ask(self, host: str, command: str, argument: str) -> Any:
        try:
            return self._databases.ask(host, command, as_sent(argument))
        except tango.DevFailed as error:
            raise undefined(full_name(host, argument)) from error
