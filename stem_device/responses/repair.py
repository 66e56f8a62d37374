"""Mends what cppTango writes wrongly: names in its JSON are not escaped, whatever characters they have.

A device may have an attribute called ``quo"te``, ``back\\slash`` or with a line break, and the reply of its
server (and of its subscribers) is then no JSON, or has another name. Where a string ends is still plain, as
cppTango writes no white space: at a quote before something that can only come after a string.
"""

from __future__ import annotations

import re

_END = re.compile(r'"(?=:[-\d{"\[ntf]|,"|[}\]])')
_ODD = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')
_BYTE = re.compile(r"\(byte (\d+)\)")
_BEYOND_ASCII = re.compile(r"[\x80-\xff]+")
_SHOWN = 40


def repaired(text: str) -> str | None:
    """The text with every string escaped as JSON wants it; None if it cannot be told where a string ends.

    Control characters become visible (``\\x0a``), since names have to be printable; a backslash is taken as
    itself. Takes time and memory in proportion to the text.
    """
    pieces: list[str] = []
    position = 0
    while (begin := text.find('"', position)) >= 0:
        end = _END.search(text, begin + 1)
        if end is None:
            return None
        body = text[begin + 1 : end.start()]
        pieces += (text[position:begin], '"', _ODD.sub(_escaped, body), '"')
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
