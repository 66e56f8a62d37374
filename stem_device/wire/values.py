"""The value of an event: CDR, as omniORB marshals ``AttributeValue_4`` and ``AttributeValue_5``.

Source: Tango's IDL (``AttrValUnion``, ``AttributeValue_4``, ``AttributeValue_5``, ``DevErrorList``) and
messages of PyTango 9.5.1, 10.0.4 and 10.3.1. ``AttributeValue_3`` (devices of IDL 3) has a CORBA ``any``,
which is not decoded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from stem_device.wire.frames import is_error, is_little, topic_of

MARKER = b"\xc0\xde\xc0\xde"
MAX_VALUES = 4 * 2**20
"""Values of one event that are decoded."""
MAX_TEXT_BYTES = 2**20

STATES = (
    "ON", "OFF", "CLOSE", "OPEN", "INSERT", "EXTRACT", "MOVING", "STANDBY", "FAULT", "INIT", "RUNNING",
    "ALARM", "DISABLE", "UNKNOWN",
)  # fmt: skip
QUALITIES = ("ATTR_VALID", "ATTR_INVALID", "ATTR_ALARM", "ATTR_CHANGING", "ATTR_WARNING")

_NUMBERS = {  # of the union's discriminator: Tango's type, format in struct
    0: ("DevBoolean", "?"),
    1: ("DevShort", "h"),
    2: ("DevLong", "i"),
    3: ("DevLong64", "q"),
    4: ("DevFloat", "f"),
    5: ("DevDouble", "d"),
    6: ("DevUChar", "B"),
    7: ("DevUShort", "H"),
    8: ("DevULong", "I"),
    9: ("DevULong64", "Q"),
}
_SCALAR, _IMAGE = 0, 2
_OF_ATTRIBUTES = re.compile(r"\.(idl(\d+)_)?(change|archive|periodic|user_event|alarm)$")


class UndecodableError(Exception):
    """A value that cannot be decoded; the text says why."""


class Value(Struct, frozen=True):
    """The value of an event, or its error.

    ``value`` is a number, a text, a list of them (spectrum) or a list of rows (image); of what is encoded
    the format and the bytes in hexadecimal. ``written`` is the set point, where there is one. ``time`` is
    the time stamp in UTC ns. ``errors`` are (reason, description, origin).
    """

    type: str = ""
    value: Any = None
    written: Any = None
    quality: str = ""
    time_ns: int = 0
    errors: tuple[tuple[str, str, str], ...] = ()


def value_of(frames: Sequence[bytes]) -> Value:
    """Decode the last frame of an event. Raises UndecodableError."""
    kind = _OF_ATTRIBUTES.search(topic_of(frames))
    if kind is None:
        raise UndecodableError("its kind of event has no attribute's value")
    reader = _Reader(frames[3], little=is_little(frames))
    try:
        if is_error(frames):
            return Value(errors=reader.errors())
        return _attribute_value(reader, version=5 if kind[1] and int(kind[2]) >= 5 else 4)
    except (struct.error, IndexError) as error:
        raise UndecodableError(f"it is cut off: {error}") from error


class _Reader:
    """Numbers at their natural alignment, counted from behind the marker."""

    def __init__(self, data: bytes, *, little: bool) -> None:
        self._data = data.removeprefix(MARKER)
        self._order = "<" if little else ">"
        self._at = 0

    def numbers(self, form: str, count: int) -> tuple[Any, ...]:
        size = struct.calcsize(form)
        if not 0 <= count <= MAX_VALUES:
            raise UndecodableError(f"{count} values, more than {MAX_VALUES}")
        if count:
            self._at += -self._at % size
        found = struct.unpack_from(f"{self._order}{count}{form}", self._data, self._at)
        self._at += count * size
        return found

    def number(self, form: str = "i") -> int:
        return int(self.numbers(form, 1)[0])

    def octets(self) -> bytes:
        count = self.number("I")
        if count > len(self._data) - self._at:
            raise UndecodableError("it is cut off")
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def text(self) -> str:
        return self.octets()[:MAX_TEXT_BYTES].rstrip(b"\0").decode("latin-1")

    def errors(self) -> tuple[tuple[str, str, str], ...]:
        found = []
        for _ in range(self._length()):
            reason = self.text()
            self.number()  # severity
            found.append((reason, self.text(), self.text()))
        return tuple(found)

    def sequence(self, kind: int) -> tuple[str, list[Any]]:
        """Tango's type and the values of the union's branch ``kind``."""
        if kind in _NUMBERS:
            name, form = _NUMBERS[kind]
            return name, list(self.numbers(form, self.number("I")))
        match kind:
            case 10:
                return "DevString", [self.text() for _ in range(self._length())]
            case 11:
                return "DevState", [_name(STATES, one) for one in self.numbers("I", self.number("I"))]
            case 12:
                return "DevState", [_name(STATES, self.number("I"))]
            case 13:
                return "DevEncoded", [(self.text(), self.octets().hex()) for _ in range(self._length())]
            case 14:
                self.number("?")
                return "", []
            case _:
                raise UndecodableError(f"type {kind}: a device of IDL 3, or none of Tango's")

    def _length(self) -> int:
        """Of a sequence of texts, each of which has 4 bytes at least."""
        count = self.number("I")
        if count > (len(self._data) - self._at) // 4:
            raise UndecodableError("it is cut off")
        return count


def _attribute_value(reader: _Reader, *, version: int) -> Value:
    name, values = reader.sequence(reader.number())
    quality, form = reader.number("I"), reader.number("I")
    if version >= 5:
        reader.number()  # the type once more
    seconds, micros, nanos = reader.numbers("i", 3)
    reader.text()  # the attribute's name
    read_x, read_y, written_x, written_y = reader.numbers("i", 4)
    read = _length_of(form, read_x, read_y)
    written = _length_of(form, written_x, written_y) if len(values) > read else 0
    return Value(
        type=name,
        value=_shaped(values[:read], form, read_x) if values else None,
        written=_shaped(values[read : read + written], form, written_x) if written else None,
        quality=_name(QUALITIES, quality),
        time_ns=(seconds * 1_000_000 + micros) * 1000 + nanos,
        errors=reader.errors(),
    )


def _length_of(form: int, x: int, y: int) -> int:
    if form == _SCALAR:
        return 1
    return max(0, x * y if form == _IMAGE else x)


def _shaped(values: list[Any], form: int, x: int) -> Any:
    if form == _SCALAR:
        return values[0] if values else None
    if form == _IMAGE and x > 0:
        return [values[begin : begin + x] for begin in range(0, len(values), x)]
    return values


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)
