"""What is asked of the Tango databases, and of a device to see whether it is a target of its own."""

from __future__ import annotations

import socket
from typing import Protocol

import tango
from msgspec import Struct

from stem_device.errors import TargetError, TargetUnreachableError
from stem_device.polling.client import QUERY
from stem_device.polling.names import admin_path
from stem_device.polling.reasons import explain, first_words


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

    def has_query(self, full_name: str) -> bool:
        """Whether a running device has the command QueryEventSystem."""

    def admin_without_database(self, full_name: str) -> str:
        """``dserver/x/y`` of the server of a running device that is in no database."""


class TangoDirectory:
    """The real one. Calls take ``timeout_seconds`` at most; connecting to a hung database takes longer."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._databases: dict[str, tango.Database] = {}

    def default_host(self) -> str:
        host: str | None = tango.ApiUtil.get_env_var("TANGO_HOST")
        if not host:
            raise TargetUnreachableError(
                "the default database", "TANGO_HOST is not set; set it to host:port of the Tango database"
            )
        return host.split(",")[0].strip().lower()

    def identity(self, host: str) -> str:
        database = self._database(host)
        try:
            names = database.get_device_exported("sys/database/*").value_string
            return str(database.import_device(names[0]).ior) if names else host
        except tango.DevFailed as error:
            raise self._failed(host, error) from error

    def address(self, host: str) -> str:
        name, _, port = host.rpartition(":")
        try:
            found = socket.getaddrinfo(name.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except OSError:
            return host
        return f"{sorted(str(item[4][0]) for item in found)[0]}:{port}"

    def matching(self, host: str, pattern: str) -> tuple[str, ...]:
        try:
            names = self._database(host).command_inout("DbGetDeviceWideList", pattern)
        except tango.DevFailed as error:
            raise self._failed(host, error) from error
        return tuple(sorted({name.lower() for name in names if name}))

    def entry(self, host: str, device: str) -> Entry | None:
        try:
            info = self._database(host).get_device_info(device)
        except tango.DevFailed as error:
            if _is_undefined(error):
                return None
            raise self._failed(host, error) from error
        admin = device if device.startswith("dserver/") else admin_path(info.ds_full_name)
        return Entry(admin=admin, class_name=info.class_name, exported=bool(info.exported))

    def device_of_alias(self, host: str, alias: str) -> str | None:
        try:
            name: str = self._database(host).get_device_from_alias(alias)
        except tango.DevFailed as error:
            if _is_undefined(error):
                return None
            raise self._failed(host, error) from error
        return name.lower()

    def has_query(self, full_name: str) -> bool:
        try:
            proxy = tango.DeviceProxy(full_name)
            proxy.set_timeout_millis(round(self._timeout_seconds * 1000))
            proxy.set_transparency_reconnection(False)
            return QUERY.lower() in (name.lower() for name in proxy.get_command_list())
        except tango.DevFailed as error:
            raise explain(full_name, error, self._timeout_seconds) from error

    def admin_without_database(self, full_name: str) -> str:
        try:
            proxy = tango.DeviceProxy(full_name)
            proxy.set_timeout_millis(round(self._timeout_seconds * 1000))
            name: str = proxy.adm_name()
        except tango.DevFailed as error:
            raise explain(full_name, error, self._timeout_seconds) from error
        path = name.lower().removesuffix("#dbase=no")
        return "/".join(path.split("/")[-3:])

    def _database(self, host: str) -> tango.Database:
        if host not in self._databases:
            name, _, port = host.rpartition(":")
            try:
                database = tango.Database(name, int(port))
            except (tango.DevFailed, ValueError) as error:
                raise _database_down(host) from error
            database.set_timeout_millis(round(self._timeout_seconds * 1000))
            self._databases[host] = database
        return self._databases[host]

    def _failed(self, host: str, error: tango.DevFailed) -> TargetError:
        """Forget the connection, so that the next attempt makes a new one."""
        self._databases.pop(host, None)
        if error.args and error.args[0].reason.startswith("DB_"):
            return TargetError(f"the database {host}", f"answers with an error: {first_words(error)}")
        return _database_down(host)


def _database_down(host: str) -> TargetError:
    return TargetUnreachableError(
        f"the database {host}",
        "does not answer, so that no new servers are found (known ones are still monitored); "
        "start it, or correct TANGO_HOST or the name of the target",
    )


def _is_undefined(error: tango.DevFailed) -> bool:
    return any(
        item.reason in ("DB_DeviceNotDefined", "DB_DeviceNotFound", "DB_AliasNotDefined")
        for item in error.args
    )
