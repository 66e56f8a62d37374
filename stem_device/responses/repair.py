"""Mends what cppTango writes wrongly: names in its JSON are not escaped, whatever characters they have.

A device may have an attribute called ``quo"te``, ``back\\slash`` or with a line break, and the reply of its
server (and of its subscribers) is then no JSON, or has another name. Where a string ends is still plain, as
cppTango writes no white space: at a quote before something that can only come after a string.
"""

from __future__ import annotations

import re

from stem_device.model.reply import MAX_NAME_CHARACTERS

_END = re.compile(r'"(?=:[-\d{"\[ntf]|,"|[}\]])')
_ODD = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')
_BYTE = re.compile(r"\(byte (\d+)\)")
_BEYOND_ASCII = re.compile(r"[\x80-\xff]+")
_SHOWN = 40

MAX_STRINGS = 400_000
"""More than a reply of 8 MiB can have, with what a subscription says. Twice as many cost a second more, for a
text that is no reply at all."""

MAX_ESCAPED = 100_000
"""Characters; one for each stream of the largest server. A text full of them takes many seconds."""


def repaired(text: str) -> str | None:
    """The text with every string escaped as JSON wants it.

    None if it cannot be told where a string ends, one is too long to be a name, or there is more to do than
    MAX_STRINGS and MAX_ESCAPED. Control characters become visible (``\\x0a``), since names have to be
    printable; a backslash is taken as itself. Takes time and memory in proportion to the text.
    """
    pieces: list[str] = []
    position = escaped = 0
    while (begin := text.find('"', position)) >= 0:
        end = _END.search(text, begin + 1)
        if end is None or end.start() - begin > MAX_NAME_CHARACTERS + 1:
            return None
        body, odd = _ODD.subn(_escaped, text[begin + 1 : end.start()])
        escaped += odd
        if escaped > MAX_ESCAPED or len(pieces) > 4 * MAX_STRINGS:
            return None
        pieces += (text[position:begin], '"', body, '"')
        position = end.end()
    pieces.append(text[position:])
    return "".join(pieces)


def from_latin_1(text: str) -> str:
    """Names that a server has in UTF-8, as PyTango's servers do; Tango hands them on as if in Latin-1.

    One by one: a subscriber of servers of both kinds has names of both kinds in its reply.
    """
    return text if text.isascii() else _BEYOND_ASCII.sub(_from_latin_1, text)


def place_of(message: str, text: str) -> str:
    """What stands around the byte that a message of the decoder names; empty if it names none."""
    found = _BYTE.search(message)
    if found is None:
        return ""
    at = len(text.encode()[: int(found[1])].decode(errors="ignore"))
    return text[max(0, at - _SHOWN) : at + _SHOWN]


def _from_latin_1(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode()
    except UnicodeError:
        return match[0]


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return f"\\{character}"
    return f"\\\\x{ord(character):02x}"
