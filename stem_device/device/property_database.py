"""The database in which this device has its properties, asked so that one that hangs stops nobody.

Tango's own ``Database`` holds Python's global lock while it waits, so that polling would stop with it, and
to connect to a database that hangs takes a minute. So it is asked as any device, on a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tango

from stem_device.polling.names import as_sent
from stem_device.polling.tango_errors import DATABASE

LIMIT_SECONDS = 2.0
"""How long an answer is waited for: less than the time limit of a client of ours."""

PROPERTY = "TargetDevices"
NO_DATABASE = "the server runs without a database"
NO_ANSWER = "the database does not answer"


def unread_note(problem: str) -> str:
    """What Status says after an Init without the database."""
    return (
        f"Properties could not be read, and those read last are in use: {problem}. Call Init when it "
        "answers again."
    )


def lost_note(
    problem: str, name: str = PROPERTY, again: str = "call AddTarget with any target that is there already"
) -> str:
    """What becomes of lines of a property that were changed without the database."""
    note = f"not kept in {name} and lost at the next start: {problem}."
    return note if problem == NO_DATABASE else f"{note} When it answers again, {again}: that keeps them all."


class _Proxy(Protocol):
    def command_inout(self, name: str, argument: Any = None, /) -> Any: ...


def connect_database() -> _Proxy:
    """A proxy of the default database. Raises tango.DevFailed."""
    proxy = tango.DeviceProxy(DATABASE)
    # cppTango's own second attempt would take a minute if the database hangs.
    proxy.set_transparency_reconnection(False)
    return proxy


def has_database() -> bool:
    """Without one (-nodb) Tango has no place for properties at all."""
    return bool(tango.Util._UseDb)


class PropertyDatabase:
    """Every method returns what is wrong, or nothing; in ``limit_seconds`` at most. Safe from any thread."""

    def __init__(
        self,
        connect: Callable[[], _Proxy] = connect_database,
        *,
        exists: Callable[[], bool] = has_database,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._exists = exists
        self._connect = connect
        self._limit_seconds = limit_seconds
        self._one_at_a_time = threading.Lock()

    def problem(self) -> str:
        """Why properties cannot be read."""
        return self._ask("State", None)

    def keep_targets(self, device: str, targets: Sequence[str]) -> str:
        """Write the property; it is removed if there are no targets."""
        return self.keep(device, PROPERTY, targets)

    def keep(self, device: str, name: str, lines: Sequence[str]) -> str:
        """Write a property; it is removed if there are no lines."""
        if lines:
            sent = map(as_sent, lines)
            return self._ask("DbPutDeviceProperty", [device, "1", name, str(len(lines)), *sent])
        return self._ask("DbDeleteDeviceProperty", [device, name])

    def _ask(self, command: str, argument: list[str] | None) -> str:
        if not self._exists():
            return NO_DATABASE
        if not self._one_at_a_time.acquire(timeout=self._limit_seconds):
            return NO_ANSWER  # to an earlier question
        outcome: list[str] = []
        thread = threading.Thread(
            target=self._run, args=(command, argument, outcome), name="stem-database", daemon=True
        )
        thread.start()
        thread.join(self._limit_seconds)
        return outcome[0] if outcome else NO_ANSWER

    def _run(self, command: str, argument: list[str] | None, outcome: list[str]) -> None:
        try:
            with tango.EnsureOmniThread():
                outcome.append(self._outcome(command, argument))
        finally:
            self._one_at_a_time.release()

    def _outcome(self, command: str, argument: list[str] | None) -> str:
        try:
            proxy = self._connect()
            proxy.command_inout(command) if argument is None else proxy.command_inout(command, argument)
        except tango.DevFailed as error:
            first = error.args[0]
            return str(first.desc) if first.reason.startswith("DB_") else NO_ANSWER
        return ""
