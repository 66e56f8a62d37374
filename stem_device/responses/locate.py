"""Turn an error of msgspec into a ReplyError that names the offending entry.

msgspec writes ``[...]`` for an entry of a table. Only after a failure is the text
searched a second time, to say which entry that is; not in a huge text, where it would take seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from stem_device.errors import ReplyError

_SHOWN_CHARACTERS = 120
_SEARCHED_CHARACTERS = 1_000_000
_MESSAGE = re.compile(r"(?P<reason>.*?)(?: - at `(?P<key>.*)`)?", re.DOTALL)
_TABLE = re.compile(r"\$\.(?P<section>server|client)\.(?P<table>\w+)\[\.\.\.\]")
_RAW_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def shown_name(name: str) -> str:
    """``name`` quoted and escaped to printable ASCII, cut to a bounded length, for messages and logs."""
    if len(name) > _SHOWN_CHARACTERS:
        return f"{name[:_SHOWN_CHARACTERS]!a}... ({len(name)} characters)"
    return ascii(name)


def located(error: msgspec.ValidationError, text: str, entry_types: Mapping[str, object]) -> ReplyError:
    """The ReplyError for ``error``; ``entry_types`` tells the type of the entries of every table."""
    parts = _MESSAGE.fullmatch(str(error))
    reason = parts["reason"] if parts else str(error)
    key = (parts["key"] if parts else None) or "$"
    table = _TABLE.match(key)
    if table is not None and table["table"] in entry_types and len(text) <= _SEARCHED_CHARACTERS:
        name = _offending_entry(text, table["section"], table["table"], entry_types[table["table"]])
        if name is not None:
            key = key.replace("[...]", f"[{shown_name(name)}]", 1)
    return ReplyError(key, reason)


def _offending_entry(text: str, section: str, table: str, entry_type: object) -> str | None:
    """First entry that is not of ``entry_type``; None if the text has even worse faults further on."""
    try:
        entries = _RAW_OBJECT.decode(_RAW_OBJECT.decode(_RAW_OBJECT.decode(text)[section])[table])
    except (msgspec.DecodeError, KeyError, RecursionError):
        return None
    decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(entry_type)
    for name, raw in entries.items():
        try:
            decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            return name
    return None
