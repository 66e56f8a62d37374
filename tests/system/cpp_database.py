"""Debian's C++ Tango database and its MariaDB, each to be killed, stopped and started again."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import tango

from stem_device.demo.database import HOST, add_server
from stem_device.demo.processes import READY_LINE, ChildProcess, ProcessError, wait_until
from tests.system.tango_tree import LIBRARIES


class CppDatabase:
    """``DataBaseds`` of Tango 9.3.4 on MariaDB. It has the interface of ``EmbeddedDatabase``."""

    def __init__(self, tree: Path, directory: Path) -> None:
        self._tree = tree
        self._directory = directory
        self._environment = {**os.environ, "LD_LIBRARY_PATH": str(tree / LIBRARIES)}
        self._socket = directory / "mariadb.socket"
        self._mariadb_port, self._port = _free_ports()
        self.mariadb = self._make_mariadb()
        self.server = self._make_server()

    def __enter__(self) -> Self:
        self._install()
        with ExitStack() as begun:
            begun.callback(self._stop)
            self.start_mariadb()
            self._load_schema()
            self.start()
            begun.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self.server.stop(limit_seconds=2)
        self.mariadb.stop()

    @property
    def tango_host(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        return self.server.pid

    def start(self) -> None:
        self.server.start(limit_seconds=30)
        wait_until(self._answers, "the C++ database", limit_seconds=30)

    def kill(self) -> None:
        self.server.kill()

    def start_mariadb(self) -> None:
        self.mariadb.start()
        try:
            self.mariadb.wait_ready(lambda: self._sql("select 1;").returncode == 0, limit_seconds=30)
        except ProcessError as error:
            raise ProcessError("mariadb", "cannot connect", self._sql("select 1;").stderr) from error

    def access_control(self, allowed: Sequence[str]) -> ChildProcess:
        """Tango's own, with the same tables, not started yet: everybody may read all devices.

        ``allowed`` are the commands of admin devices that everybody may call, beside QueryClass.
        """
        rows = ", ".join(
            f"('DServer', 'AllowedAccessCmd', {number}, '{command}', now(), now(), null)"
            for number, command in enumerate(("QueryClass", *allowed), start=1)
        )
        limited = self._sql(
            "update tango.access_device set rights = 'read';"
            "delete from tango.property_class where class = 'DServer';"
            f"insert into tango.property_class values {rows};"
        )
        assert limited.returncode == 0, limited.stderr
        return ChildProcess(
            [
                str(self._tree / "usr/lib/tango/TangoAccessControl"),
                "1",
                "-ORBendPoint",
                f"giop:tcp:{HOST}:0",
            ],
            log=self._directory / "access.log",
            # Else it would ask itself whether it may export its device.
            environment={
                **self._environment,
                **self._mysql,
                "TANGO_HOST": self.tango_host,
                "SUPER_TANGO": "true",
            },
            ready_line=READY_LINE,
        )

    def connection(self) -> tango.Database:
        return tango.Database(HOST, self._port)

    def add_server(self, server: str, devices: Sequence[tuple[str, str]]) -> None:
        add_server(self.connection(), server, devices)

    def put_properties(self, device: str, properties: Mapping[str, Sequence[str]]) -> None:
        self.connection().put_device_property(device, {name: list(v) for name, v in properties.items()})

    def _make_mariadb(self) -> ChildProcess:
        return ChildProcess(
            [
                str(self._tree / "usr/sbin/mariadbd"),
                "--no-defaults",
                f"--user={getpass.getuser()}",
                f"--basedir={self._tree}/usr",
                f"--datadir={self._directory}/data",
                f"--socket={self._socket}",
                f"--pid-file={self._directory}/mariadb.pid",
                f"--bind-address={HOST}",
                f"--port={self._mariadb_port}",
            ],
            log=self._directory / "mariadb.log",
            environment=self._environment,
        )

    def _make_server(self) -> ChildProcess:
        return ChildProcess(
            [
                str(self._tree / "usr/lib/tango/DataBaseds"),
                "2",
                "-ORBendPoint",
                f"giop:tcp:{HOST}:{self._port}",
            ],
            log=self._directory / "database.log",
            environment={**self._environment, **self._mysql},
            ready_line=READY_LINE,
        )

    @property
    def _mysql(self) -> dict[str, str]:
        return {
            "MYSQL_HOST": f"{HOST}:{self._mariadb_port}",
            "MYSQL_USER": "tango",
            "MYSQL_PASSWORD": "tango",
            "MYSQL_DATABASE": "tango",
        }

    def _install(self) -> None:
        subprocess.run(
            [
                self._tree / "usr/bin/mariadb-install-db",
                "--no-defaults",
                f"--basedir={self._tree}/usr",
                f"--datadir={self._directory}/data",
                f"--user={getpass.getuser()}",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            env=self._environment,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def _load_schema(self) -> None:
        share = self._tree / "usr/share"
        schema = (share / "dbconfig-common/data/tango-db/install/mysql").read_text()
        user = f"create user tango@'{HOST}' identified by 'tango'; grant all on tango.* to tango@'{HOST}';"
        local = user.replace(HOST, "localhost")
        text = schema.replace("/usr/share/tango-db", f"{share}/tango-db")
        loaded = self._sql(f"create database tango; {user} {local} use tango;\n{text}")
        assert loaded.returncode == 0, loaded.stderr

    def _sql(self, text: str) -> subprocess.CompletedProcess[str]:
        client = [
            str(self._tree / "usr/bin/mariadb"),
            "--no-defaults",
            f"--socket={self._socket}",
            "--user=root",
        ]
        return subprocess.run(
            client, input=text, env=self._environment, capture_output=True, text=True, check=False, timeout=60
        )

    def _answers(self) -> bool:
        try:
            self.connection().get_info()
        except tango.DevFailed:
            return False
        return True


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((HOST, 0))
        other.bind((HOST, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
