"""What is asked of the database, and what is said when it does not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import tango

from stem_device.device.property_database import (
    NO_ANSWER,
    NO_DATABASE,
    PropertyDatabase,
    lost_note,
    unread_note,
)


def database_of(proxy: FakeProxy, *, exists: bool = True, limit_seconds: float = 10.0) -> PropertyDatabase:
    return PropertyDatabase(lambda: proxy, exists=lambda: exists, limit_seconds=limit_seconds)


class FakeProxy:
    def __init__(self, action: Callable[[], object] = lambda: None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._action = action

    def command_inout(self, *arguments: Any) -> Any:
        self.asked.append(arguments)
        return self._action()


def refusing(reason: str) -> Callable[[], object]:
    def refuse() -> object:
        error = tango.DevError()
        error.reason, error.desc = reason, "its words"
        raise tango.DevFailed(error)

    return refuse


def test_targets_are_written_as_one_property() -> None:
    proxy = FakeProxy()
    database = database_of(proxy)
    assert database.keep_targets("sys/eventmon/1", ("a/b/c", "d/e/f")) == ""
    assert database.keep_targets("sys/eventmon/1", ()) == ""
    assert database.problem() == ""
    assert proxy.asked == [
        ("DbPutDeviceProperty", ["sys/eventmon/1", "1", "TargetDevices", "2", "a/b/c", "d/e/f"]),
        ("DbDeleteDeviceProperty", ["sys/eventmon/1", "TargetDevices"]),
        ("State",),
    ]


@pytest.mark.parametrize(
    ("reason", "problem"),
    [("DB_SQLError", "its words"), ("API_CorbaException", NO_ANSWER)],
)
def test_what_the_database_says_is_told(reason: str, problem: str) -> None:
    assert database_of(FakeProxy(refusing(reason))).problem() == problem


def test_one_that_hangs_is_waited_for_no_longer_than_the_limit() -> None:
    answered = threading.Event()
    database = database_of(FakeProxy(lambda: answered.wait(60.0)), limit_seconds=0.05)
    assert database.problem() == NO_ANSWER
    assert database.keep_targets("a/b/c", ("x",)) == NO_ANSWER
    assert sum(thread.name == "stem-database" for thread in threading.enumerate()) == 1
    answered.set()
    patient = next((one for one in threading.enumerate() if one.name == "stem-database"), None)
    if patient is not None:
        patient.join(10.0)
    assert database.problem() == ""


def test_without_a_database_nobody_is_asked() -> None:
    proxy = FakeProxy()
    assert database_of(proxy, exists=False).problem() == NO_DATABASE
    assert proxy.asked == []


def test_lines_are_kept_in_utf_8() -> None:
    """PyTango sends the argument of a command in Latin-1, and reads a property in UTF-8 or not at all."""
    proxy = FakeProxy()
    assert database_of(proxy).keep_targets("a/b/c", ("x/débit/1",)) == ""
    (asked,) = proxy.asked
    assert asked[-1][-1].encode("latin-1").decode() == "x/débit/1"


def test_the_notes_say_what_to_do() -> None:
    assert "Call Init" in unread_note(NO_ANSWER)
    assert "call AddTarget" in lost_note(NO_ANSWER)
    assert "call AddTarget" not in lost_note(NO_DATABASE)
