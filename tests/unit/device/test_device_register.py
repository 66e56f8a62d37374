# ruff: noqa: ARG002 - the signatures are those of tango.Database
"""Registration, against a database that is a dictionary."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import tango

from stem_device.device.register import Registration, dsconfig_json, register
from stem_device.errors import OptionError, RegistrationError


class Database:
    """The four questions of ``register``; ``adds`` and ``puts`` count what was written."""

    def __init__(self) -> None:
        self.devices: dict[str, Any] = {}
        self.properties: dict[str, list[str]] = {}
        self.adds = self.puts = 0
        self.broken = ""

    def get_device_info(self, device: str) -> Any:
        if self.broken:
            raise failed(self.broken)
        if device not in self.devices:
            raise failed("DB_DeviceNotDefined")
        return self.devices[device]

    def add_device(self, record: Any) -> None:
        self.adds += 1
        self.devices[record.name] = SimpleNamespace(ds_full_name=record.server, class_name=record._class)

    def get_device_property(self, device: str, names: list[str]) -> dict[str, list[str]]:
        return {name: self.properties.get(name, []) for name in names}

    def put_device_property(self, device: str, properties: dict[str, list[str]]) -> None:
        self.puts += 1
        self.properties |= properties

    def delete_device_property(self, device: str, properties: dict[str, list[str]]) -> None:
        for name in properties:
            self.properties.pop(name, None)


def failed(reason: str) -> tango.DevFailed:
    error = tango.DevError()
    error.reason = error.desc = reason
    return tango.DevFailed(error)


WANTED = Registration(properties={"TargetDevices": ["sys/*/*"], "PollPeriod": ["5"]})


def write(database: Database, registration: Registration) -> tuple[str, ...]:
    return register(database, registration)  # type: ignore[arg-type]


def test_twice_is_once() -> None:
    database = Database()
    assert len(write(database, WANTED)) == 3
    assert write(database, WANTED) == ()
    assert (database.adds, database.puts) == (1, 2)
    assert database.devices["sys/eventmon/1"].ds_full_name == "EventMonitor/1"


def test_properties_that_are_not_named_stay() -> None:
    database = Database()
    write(database, WANTED)
    changes = write(database, Registration(properties={"PollPeriod": ["7"]}))
    assert changes == ("set PollPeriod to 7",)
    assert database.properties == {"TargetDevices": ["sys/*/*"], "PollPeriod": ["7"]}


def test_an_empty_property_is_deleted() -> None:
    database = Database()
    write(database, WANTED)
    assert write(database, Registration(properties={"TargetDevices": []})) == (
        "set TargetDevices to nothing",
    )
    assert database.properties == {"PollPeriod": ["5"]}


def test_a_device_of_somebody_else_is_left_alone() -> None:
    database = Database()
    database.devices["sys/eventmon/1"] = SimpleNamespace(ds_full_name="Other/1", class_name="Other")
    with pytest.raises(RegistrationError, match="Other/1"):
        write(database, WANTED)
    assert (database.adds, database.puts) == (0, 0)


def test_a_database_that_fails() -> None:
    database = Database()
    database.broken = "DB_SQLError"
    with pytest.raises(RegistrationError, match="DB_SQLError"):
        write(database, WANTED)


@pytest.mark.parametrize(
    "arguments",
    [
        {"device": "a/b"},
        {"device": "a//c"},
        {"device": "tango://h:1/a/b/c"},
        {"instance": ""},
        {"instance": "a/b"},
        {"properties": {"PollPeriod": ["x"]}},
        {"properties": {"Unknown": ["1"]}},
    ],
)
def test_what_could_not_work_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Registration(**arguments)


def test_dsconfig() -> None:
    assert json.loads(dsconfig_json(WANTED)) == {
        "servers": {
            "EventMonitor/1": {
                "EventMonitor": {
                    "sys/eventmon/1": {"properties": {"TargetDevices": ["sys/*/*"], "PollPeriod": ["5"]}}
                }
            }
        }
    }
    assert json.loads(dsconfig_json(Registration(device="a/b/c", instance="x"))) == {
        "servers": {"EventMonitor/x": {"EventMonitor": {"a/b/c": {}}}}
    }
