"""What a device must have to publish recorded events again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field

from stem_device.model.topics import NO_DATABASE
from stem_device.recording.event_files import HeardEvent

OVERHEAD_BYTES = 110
"""Frames of an event besides its topic and its values, about."""

TYPES = frozenset(
    {
        "DevBoolean",
        "DevShort",
        "DevLong",
        "DevLong64",
        "DevFloat",
        "DevDouble",
        "DevUChar",
        "DevUShort",
        "DevULong",
        "DevULong64",
        "DevString",
        "DevState",
    }
)

_CHARACTER = r"[ -~\xa1-\xff]"
"""Of a name: Tango has those of Latin-1."""
_PART = rf"(?:(?![/,:#*]){_CHARACTER}){{1,85}}"
"""Of the name of a device: commas and colons mean something where a server is told its devices."""
_ATTRIBUTE = rf"(?:(?![/#.]){_CHARACTER}){{1,255}}"
_TOPIC = re.compile(
    rf"^(?:tango://[^/]*/)?(?P<device>{_PART}/{_PART}/{_PART})/(?P<attribute>{_ATTRIBUTE})(?:{NO_DATABASE})?"
    r"\.(?:idl\d+_)?(?P<kind>change|archive|periodic|user_event|alarm)$"
)


class Shape(Struct):
    """What an attribute has to be: Tango's type, rank, and the largest dimensions.

    Without a type it is an array of ``size`` bytes: the values are not known.
    """

    type: str = ""
    rank: int = 0
    x: int = 1
    y: int = 1
    size: int = 1

    def fit(self, event: HeardEvent) -> None:
        """Have room for one more event."""
        self.size = max(self.size, payload_bytes(event))
        value = event.value
        if event.type not in TYPES or value is None:
            return
        self.type = event.type
        if not isinstance(value, list):
            return
        image = bool(value) and isinstance(value[0], list)
        self.rank = max(self.rank, 2 if image else 1)
        self.x = max(self.x, len(value[0]) if image else len(value))
        self.y = max(self.y, len(value) if image else 1)


class Plan(Struct):
    """``devices``: attributes of each device, and what they have to be; ``count`` events of attributes."""

    devices: dict[str, dict[str, Shape]] = field(default_factory=dict)
    count: int = 0
    left_out: int = 0


class Progress(Struct):
    """``state``: waiting, running, done or failed. ``late_seconds``: by how much one was late at most."""

    state: str = "waiting"
    events: int = 0
    seconds: float = 0.0
    late_seconds: float = 0.0
    failure: str = ""


class Place(Struct, frozen=True):
    """Which attribute of which device, and which kind of event."""

    device: str
    attribute: str
    kind: str


def place_of(name: str) -> Place | None:
    """Of a topic; None for events that are none of an attribute's value, and names that Tango cannot have."""
    found = _TOPIC.match(name.lower())
    return Place(found["device"], found["attribute"], found["kind"]) if found else None


def plan_of(events: Iterable[HeardEvent]) -> Plan:
    """What a server must have to publish them."""
    plan = Plan()
    for event in events:
        place = place_of(event.name)
        if place is None:
            plan.left_out += 1
            continue
        plan.count += 1
        plan.devices.setdefault(place.device, {}).setdefault(place.attribute, Shape()).fit(event)
    return plan


def payload_bytes(event: HeardEvent) -> int:
    """Of the values alone, about."""
    return max(1, event.size - OVERHEAD_BYTES - len(event.name))
