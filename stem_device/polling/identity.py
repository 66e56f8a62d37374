"""Which process answers under a server's name, and how many there have been."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from stem_device.model.poll import Identity


class Process(Struct, frozen=True):
    """One process. ``key`` is the same for as long as it lives, and of no other process of that name.

    With a database it is the admin device's object reference, which omniORB makes anew in every process
    that uses one; without, the number of the connection. ``pid`` and ``started`` as in
    :class:`stem_device.model.poll.Identity`.
    """

    key: str
    pid: int | None = None
    started: str = ""


Identify = Callable[[str], Process]
"""The process that the database has under a full name; raises TargetError if there is none, or no answer."""


MAX_NAMES = 20_000
"""Servers whose lives are remembered after they have left, since they may be back."""


class KnownLives:
    """The lives of all servers there have been: one that leaves and joins again goes on where it was."""

    def __init__(self) -> None:
        self._lives: dict[str, Lives] = {}

    def of(self, server: str) -> Lives:
        """Those of one server; the ones not asked for the longest are forgotten beyond MAX_NAMES."""
        lives = self._lives.pop(server, None) or Lives()
        self._lives[server] = lives
        while len(self._lives) > MAX_NAMES:
            del self._lives[next(iter(self._lives))]
        return lives


class Lives:
    """Numbers the processes that have answered under one name."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._identity = Identity()

    @property
    def identity(self) -> Identity:
        """Of the process that answered last."""
        return self._identity

    def is_present(self, process: Process) -> bool:
        """Whether this process is the one that answered last."""
        return self._process is not None and self._process.key == process.key

    def note(self, process: Process, now_utc_ns: int) -> bool:
        """An answer came from this process; whether that is a new life."""
        if self.is_present(process):
            return False
        self._process = process
        self._identity = Identity(
            life=self._identity.life + 1, pid=process.pid, started=process.started, since_utc_ns=now_utc_ns
        )
        return True
