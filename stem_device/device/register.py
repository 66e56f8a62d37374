"""``stem register``: server, device and properties in a Tango database, and the same for dsconfig."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import tango

from stem_device.errors import OptionError, RegistrationError
from stem_device.model.options import Options

CLASS = "EventMonitor"
DEFAULT_DEVICE = "sys/eventmon/1"
DEFAULT_INSTANCE = "1"

_PARTS_OF_A_DEVICE_NAME = 3


@dataclass(frozen=True, slots=True)
class Registration:
    """What is to stand in the database. Raises OptionError for what the device could not use.

    ``properties`` are by the names of the device properties, with their lines; those that are not named
    are left as they are in the database.
    """

    device: str = DEFAULT_DEVICE
    instance: str = DEFAULT_INSTANCE
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = self.device.split("/")
        if len(parts) != _PARTS_OF_A_DEVICE_NAME or not all(part.strip() for part in parts):
            raise OptionError("device", self.device, "must be domain/family/member, as sys/eventmon/1")
        if not self.instance.strip() or "/" in self.instance:
            raise OptionError("instance", self.instance, "must be a name without /, as 1")
        Options.from_lines(self.properties)

    @property
    def server(self) -> str:
        """``EventMonitor/1``."""
        return f"{CLASS}/{self.instance}"


def register(database: tango.Database, registration: Registration) -> tuple[str, ...]:
    """Write what is missing or different; returns one line for each change, so none the second time.

    Raises RegistrationError if the device belongs to another server or class, or the database refuses.
    """
    try:
        return (*_add_device(database, registration), *_put_properties(database, registration))
    except tango.DevFailed as error:
        raise RegistrationError(registration.device, error.args[0].desc) from error


def _add_device(database: tango.Database, registration: Registration) -> tuple[str, ...]:
    owner = _owner(database, registration)
    wanted = (registration.server.lower(), CLASS.lower())
    if owner is None:
        record = tango.DbDevInfo()
        record.name, record.server, record._class = registration.device, registration.server, CLASS
        database.add_device(record)
        return (f"added device {registration.device} of {registration.server}",)
    # Adding a device again would un-export it while its server runs.
    if tuple(part.lower() for part in owner) != wanted:
        raise RegistrationError(
            registration.device,
            f"it belongs to server {owner[0]}, class {owner[1]}; choose another name, or delete it first",
        )
    return ()


def _owner(database: tango.Database, registration: Registration) -> tuple[str, str] | None:
    """Server and class of the device, None if there is no such device."""
    try:
        info = database.get_device_info(registration.device)
    except tango.DevFailed as error:
        if error.args[0].reason == "DB_DeviceNotDefined":
            return None
        raise
    return info.ds_full_name, info.class_name


def _put_properties(database: tango.Database, registration: Registration) -> tuple[str, ...]:
    wanted = {name: list(lines) for name, lines in registration.properties.items()}
    if not wanted:
        return ()
    present = database.get_device_property(registration.device, list(wanted))
    different = {name: lines for name, lines in wanted.items() if list(present[name]) != lines}
    for name, lines in different.items():
        if lines:
            database.put_device_property(registration.device, {name: lines})
        else:
            database.delete_device_property(registration.device, {name: []})
    return tuple(f"set {name} to {', '.join(lines) or 'nothing'}" for name, lines in different.items())


def dsconfig_json(registration: Registration) -> str:
    """The same for ``json2tango`` of dsconfig, with a line end."""
    properties = {name: list(lines) for name, lines in registration.properties.items()}
    devices = {registration.device: {"properties": properties} if properties else {}}
    return json.dumps({"servers": {registration.server: {CLASS: devices}}}, indent=2) + "\n"
