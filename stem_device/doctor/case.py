"""What the links know of each other: the question, and the facts that were found on the way."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import tango

from stem_device.doctor.events import EventType
from stem_device.doctor.names import Question
from stem_device.polling.databases import Databases
from stem_device.polling.names import full_name

CALL_SECONDS = 2.5
"""Limit of one call. A healthy server answers in milliseconds, a busy one within a second."""


def python_command(code: str) -> str:
    """A command line that runs ``code`` after ``import tango``, in plain double quotes where it can be."""
    text = f"import tango; {code}"
    return "python3 -c " + (shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"')


def many(number: int, word: str) -> str:
    """``1 event``, ``2,000 events``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def connect_to_look(name: str) -> tango.DeviceProxy:
    """A proxy with which the doctor looks things up. Raises tango.DevFailed.

    Access control is kept by clients themselves. It may forbid commands that only tell something
    (DbImportDevice, QueryEventSystem); what it keeps from clients is tried with another proxy.
    """
    proxy = tango.DeviceProxy(name)
    proxy.set_access_control(tango.AccessControlType.ACCESS_WRITE)
    return proxy


def databases_to_look() -> Databases:
    """Connections to databases, to look things up."""
    return Databases(CALL_SECONDS, connect=connect_to_look)


@dataclass
class Case:
    """Facts have harmless values until the link that finds them was ok; ``undo`` gives everything back."""

    question: Question
    undo: ExitStack = field(default_factory=ExitStack)
    databases: Databases = field(default_factory=databases_to_look)
    host: str = ""
    device: str = ""
    server: str = ""  # Executable/instance
    machine: str = ""
    pid: int = 0
    ior: str = ""
    exported: bool = False
    started: str = ""
    stopped: str = ""
    addresses: tuple[tuple[str, int], ...] = ()
    proxy: Any = None
    access: str = ""  # read or write; empty where it is not told
    admin: Any = None
    admin_name: str = ""
    server_version: int = 0
    attribute: str = ""
    config: Any = None
    polled_ms: int = 0
    pushed_before: int | None = None
    queries: bool = False  # whether the server has QueryEventSystem
    callbacks: Any = None
    endpoints: tuple[str, ...] = ()
    heartbeats: tuple[str, ...] = ()
    topic: str = ""
    observed: Any = None

    @property
    def event(self) -> EventType:
        return self.question.event

    @property
    def device_name(self) -> str:
        """As Tango takes it."""
        return full_name(self.host, self.device, database=self.question.database)

    @property
    def attribute_name(self) -> str:
        whole, mark, rest = self.device_name.partition("#")
        return f"{whole}/{self.attribute}{mark}{rest}"

    @property
    def short_name(self) -> str:
        """The name of the attribute as this machine would say it: without the default database."""
        return f"{self.device}/{self.attribute}" if not self.question.host else self.attribute_name

    @property
    def start_command(self) -> str:
        """How the server is started: executable and instance."""
        executable, _, instance = self.server.partition("/")
        return f"{executable} {instance}" if instance else "the server"

    def python(self, code: str) -> str:
        """A command line that runs ``code`` with ``a``, the AttributeProxy of the attribute."""
        return python_command(f"a = tango.AttributeProxy({self.short_name!r}); {code}")
