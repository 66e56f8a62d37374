"""What ``stem register`` does, once its arguments are understood."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import tango

from stem_device.cli.failures import tell
from stem_device.device.register import Registration, dsconfig_json
from stem_device.device.register import register as write_registration
from stem_device.errors import OptionError, RegistrationError
from stem_device.polling import check_target


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterArguments:
    """The arguments of ``stem register``; ``properties`` are ``NAME=VALUE``, one line of a property each."""

    device: str
    instance: str
    targets: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    dry_run: bool = False


def run_register(arguments: RegisterArguments) -> None:
    """Write to the database and print. Raises OptionError and RegistrationError."""
    registration = Registration(
        device=arguments.device, instance=arguments.instance, properties=property_lines(arguments)
    )
    if not arguments.dry_run:
        changes = write_registration(_database(arguments.device), registration)
        for change in changes:
            tell(change)
        tell(f"start it with: EventMonitor {registration.instance}" if changes else "nothing to change")
    sys.stdout.write(dsconfig_json(registration))


def property_lines(arguments: RegisterArguments) -> Mapping[str, tuple[str, ...]]:
    """Lines by property name. Raises OptionError for an argument that cannot be used."""
    lines: dict[str, tuple[str, ...]] = {}
    for target in arguments.targets:
        check_target(target, "--target")
    if arguments.targets:
        lines["TargetDevices"] = arguments.targets
    for argument in arguments.properties:
        name, equals, value = argument.partition("=")
        if not equals or not name.strip():
            raise OptionError("--property", argument, "must be NAME=VALUE, as PollPeriod=1")
        lines[name.strip()] = (*lines.get(name.strip(), ()), value.strip())
    return lines


def _database(device: str) -> tango.Database:
    try:
        return tango.Database()
    except tango.DevFailed as error:
        raise RegistrationError(
            device, f"no Tango database answers ({error.args[0].desc}); is TANGO_HOST right?"
        ) from error
