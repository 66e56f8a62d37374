"""Where an IOR leads: the host and port of its IIOP profiles (OMG CORBA 3.3, part 2, 9.7.2 and 9.7.3)."""

from __future__ import annotations

import struct

_TAG_INTERNET_IOP = 0
_TAG_ALTERNATE_IIOP_ADDRESS = 3
MAX_IOR_BYTES = 65_536


class _Cdr:
    """Reads one encapsulation: a byte that tells the byte order, then aligned values."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"\x01" else ">"
        self._at = 1

    def number(self, kind: str) -> int:
        size = struct.calcsize(kind)
        self._at += -self._at % size
        (value,) = struct.unpack_from(self._order + kind, self._data, self._at)
        self._at += size
        return int(value)

    def octets(self) -> bytes:
        length = self.number("I")
        if length > len(self._data) - self._at:
            raise ValueError("a length goes beyond the end")
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self) -> str:
        return self.octets().rstrip(b"\0").decode("latin-1")


def addresses_of(ior: str) -> tuple[tuple[str, int], ...]:
    """All (host, port) that ``ior`` names, in its order; none where it cannot be understood."""
    if not ior.startswith("IOR:") or len(ior) > 2 * MAX_IOR_BYTES:
        return ()
    try:
        reader = _Cdr(bytes.fromhex(ior[4:]))
        reader.text()
        found: list[tuple[str, int]] = []
        for _ in range(reader.number("I")):
            tag, profile = reader.number("I"), reader.octets()
            if tag == _TAG_INTERNET_IOP:
                found += _of_profile(profile)
    except (ValueError, struct.error):
        return ()
    return tuple(dict.fromkeys(found))


def _of_profile(profile: bytes) -> list[tuple[str, int]]:
    reader = _Cdr(profile)
    minor = (reader.number("B"), reader.number("B"))[1]
    found = [(reader.text(), reader.number("H"))]
    reader.octets()  # the key of the object
    for _ in range(reader.number("I") if minor else 0):
        tag, component = reader.number("I"), reader.octets()
        if tag == _TAG_ALTERNATE_IIOP_ADDRESS:
            other = _Cdr(component)
            found.append((other.text(), other.number("H")))
    return found
