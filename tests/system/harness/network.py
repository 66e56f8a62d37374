"""A network of our own in which one connection can be cut: a namespace and two pairs of virtual interfaces.

The subscriber lives in the namespace. One link carries its conversation with the publisher and can be cut,
the other its conversation with the database and with the test. Needs the right to make namespaces (root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import READY_LINE, ChildProcess
from tests.system.harness.servers import Server, devices_of

_IP = shutil.which("ip") or "/usr/sbin/ip"


class DividedNetwork:
    """A publisher here, a subscriber in the namespace, a database both can reach at all times.

    The addresses are of 198.18.0.0/15, which is reserved for tests of network devices.
    """

    def __init__(self, directory: Path) -> None:
        number = os.getpid() % 10_000
        self._directory = directory
        self._namespace = f"stem-{number}"
        self._links = [(f"stema{number}", f"stemb{number}"), (f"stemc{number}", f"stemd{number}")]
        self._nets = [f"198.18.{number % 250}.{low}" for low in ("1", "2", "5", "6")]
        self._processes: list[ChildProcess] = []
        self._database = EmbeddedDatabase(directory, host=self._nets[2])

    def __enter__(self) -> Self:
        try:
            self._build()
            self._database.start()
            self.publisher = self._start("near", self._nets[0], ())
            enter = (_IP, "netns", "exec", self._namespace)
            self.subscriber = self._start("far", self._nets[3], enter)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @staticmethod
    def is_permitted() -> bool:
        """Whether this process may make namespaces, seen by making one."""
        name = f"stem-may-{os.getpid()}"
        try:
            for action in ("add", "del"):
                subprocess.run([_IP, "netns", action, name], check=True, timeout=10, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def cut(self) -> None:
        """Let nothing pass between publisher and subscriber any more, and tell neither."""
        _ip("-n", self._namespace, "link", "set", self._links[0][1], "down")

    def mend(self) -> None:
        _ip("-n", self._namespace, "link", "set", self._links[0][1], "up")

    def _build(self) -> None:
        _ip("netns", "add", self._namespace)
        _ip("-n", self._namespace, "link", "set", "lo", "up")
        for (near, far), near_address, far_address in zip(
            self._links, self._nets[::2], self._nets[1::2], strict=True
        ):
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self._namespace)
            _ip("addr", "add", f"{near_address}/30", "dev", near)
            _ip("link", "set", near, "up")
            _ip("-n", self._namespace, "addr", "add", f"{far_address}/30", "dev", far)
            _ip("-n", self._namespace, "link", "set", far, "up")

    def _start(self, instance: str, address: str, enter: Sequence[str]) -> Server:
        self._database.add_server(f"{SERVER}/{instance}", devices_of(instance))
        module = [sys.executable, "-m", "stem_device.demo.devices", instance]
        process = ChildProcess(
            [*enter, *module, "-ORBendPoint", f"giop:tcp:{address}:0"],
            log=self._directory / f"{instance}.log",
            name=instance,
            environment={**os.environ, "TANGO_HOST": self._database.tango_host},
            ready_line=READY_LINE,
        )
        self._processes.append(process)
        process.start()
        return Server(process, instance, self._database.tango_host)

    def _remove(self) -> None:
        while self._processes:
            self._processes.pop().stop()
        self._database.stop()
        subprocess.run([_IP, "netns", "del", self._namespace], check=False)
        for near, _ in self._links:
            # Gone with the namespace, if a little later; only what is still there needs an answer.
            subprocess.run([_IP, "link", "del", near], check=False, stderr=subprocess.DEVNULL)


def _ip(*arguments: str) -> None:
    subprocess.run([_IP, *arguments], check=True, timeout=10)
