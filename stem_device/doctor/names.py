"""What ``stem doctor`` was asked: device or attribute, event type, subscriber."""

from __future__ import annotations

from msgspec import Struct

from stem_device.doctor.diagnosis import Request
from stem_device.doctor.events import EventType, parse_event
from stem_device.errors import OptionError, TargetError
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.names import parse_target

MAX_WAIT_SECONDS = 3600.0


class Question(Struct, frozen=True, kw_only=True):
    """What to look at. ``host`` is ``host:port`` of a database, or of the server where ``database`` is False.

    ``host`` is empty for the default database. ``device`` may be an alias. ``subscriber`` is the admin device
    of a server whose end is looked at too, or empty.
    """

    host: str
    device: str
    attribute: str
    database: bool
    event: EventType
    subscriber: str
    wait_seconds: float


def parse_request(request: Request) -> Question:
    """The question that a command line or a panel asks; ``attribute`` is empty where a device is named.

    Raises OptionError for what can be the name of no device and no attribute.
    """
    name = request.text.strip()
    wait_seconds = request.wait_seconds
    if not 0 < wait_seconds <= MAX_WAIT_SECONDS:
        raise OptionError("--wait", wait_seconds, f"must be above 0 and at most {MAX_WAIT_SECONDS:g} s")
    path = name.lower().removesuffix(NO_DATABASE).removesuffix("#dbase=yes")
    path = path.removeprefix("tango://").partition("/")[2] if path.startswith("tango://") else path
    device_name, attribute = _split(name, path)
    try:
        device = parse_target(device_name)
        if device.is_pattern:
            raise OptionError(
                "DEVICE/ATTRIBUTE", name, "no wildcards; stem doctor --all looks at all devices"
            )
    except TargetError as error:
        raise OptionError("DEVICE/ATTRIBUTE", name, error.reason) from error
    return Question(
        host=device.host,
        device=device.path,
        attribute=attribute,
        database=device.database,
        event=parse_event(request.event),
        subscriber=_subscriber(request.subscriber),
        wait_seconds=wait_seconds,
    )


def _split(name: str, path: str) -> tuple[str, str]:
    """The name of the device, with host and ``#dbase=no``, and that of the attribute."""
    parts = path.split("/")
    if len(parts) not in (2, 4):
        return name, ""
    whole, mark, rest = name.partition("#")
    device, _, attribute = whole.rpartition("/")
    if not attribute or any(character.isspace() for character in attribute):
        raise OptionError("DEVICE/ATTRIBUTE", name, "is no name of an attribute: sys/tg_test/1/double_scalar")
    return device + mark + rest, attribute


def _subscriber(text: str) -> str:
    name = text.strip().lower()
    if name and "/" in name and len(name.split("/")) == 2:  # Executable/instance, as people start it
        return f"dserver/{name}"
    if name:
        try:
            parse_target(name)
        except TargetError as error:
            raise OptionError("--subscriber", text, error.reason) from error
    return name
