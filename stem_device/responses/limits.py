"""Bounds on what a reply may hold, whatever its dialect, so that no server can fill the monitor's memory.

Those of numbers, and of the lengths of texts that are values, stand in the types of
:mod:`stem_device.model.reply`, and the decoders check them.
Names end up in logs, files, Tango attributes and on terminals: they must be printable
(no control characters, no line breaks) and of bounded length. Anything else, quotes, ``/`` and ``..``
included, is allowed: no part of the program makes paths of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized

from stem_device.errors import ReplyError
from stem_device.model.reply import MAX_NAME_CHARACTERS, PublisherReply, Reply, SubscriberReply
from stem_device.responses.locate import shown_name

MAX_REPLY_BYTES = 8 * 1024 * 1024
"""Longest text that is looked at; 10,000 subscriptions with full sample buffers are some 4 MiB."""

KEPT_CHARACTERS = 65_536
"""How much is kept of the text of a reply that cannot be used."""

MAX_ENTRIES = 100_000
"""Most entries of any table or list inside a reply."""


def check_limits(reply: Reply, *, printable: bool = False) -> None:
    """Raise ReplyError for too many entries, an empty or too long name, or a text that is not printable.

    ``printable``: every text in it is known to be; see :func:`surely_printable`.
    """
    if reply.server is not None:
        _check_publisher(reply.server, printable=printable)
    if reply.client is not None:
        _check_subscriber(reply.client, printable=printable)


def surely_printable(json: str) -> bool:
    """Whether all strings in a JSON document are printable, as a look at the whole of it can tell.

    JSON has control characters in strings only as escapes, DEL apart: ASCII without backslash and DEL
    has none.
    """
    return json.isascii() and "\\" not in json and "\x7f" not in json


def _check_publisher(server: PublisherReply, *, printable: bool) -> None:
    _check_entries("$.server.event_counters", server.event_counters)
    _check_entries("$.server.perf", server.perf or ())
    _check_names("$.server.event_counters", server.event_counters, printable=printable)


def _check_subscriber(client: SubscriberReply, *, printable: bool) -> None:
    _check_entries("$.client.event_callbacks", client.event_callbacks)
    _check_entries("$.client.not_connected", client.not_connected)
    _check_entries("$.client.event_channels", client.event_channels)
    _check_entries("$.client.perf", client.perf or ())
    _check_names("$.client.event_callbacks", client.event_callbacks, printable=printable)
    _check_names("$.client.event_channels", client.event_channels, printable=printable)
    if not printable and not "".join(_texts(client)).isprintable():
        for key, text in _keyed_texts(client):
            _check_text(key, text)


def _check_entries(key: str, entries: Sized) -> None:
    if len(entries) > MAX_ENTRIES:
        raise ReplyError(key, f"{len(entries)} entries; at most {MAX_ENTRIES} are accepted")


def _check_names(key: str, names: Iterable[str], *, printable: bool) -> None:
    if _all_fine(names, printable=printable) and "" not in names:
        return
    for name in names:
        if not name:
            raise ReplyError(f"{key}['']", "a name must not be empty")
        _check_text(f"{key}[{shown_name(name)}]", name)


def _all_fine(texts: Iterable[str], *, printable: bool) -> bool:
    """The quick look at all of them at once that every good reply passes."""
    short = len(max(texts, key=len, default="")) <= MAX_NAME_CHARACTERS
    return short and (printable or "".join(texts).isprintable())


def _check_text(key: str, text: str) -> None:
    if len(text) > MAX_NAME_CHARACTERS:
        raise ReplyError(key, f"{len(text)} characters; at most {MAX_NAME_CHARACTERS} are accepted")
    if not text.isprintable():
        raise ReplyError(key, "control characters and line breaks are not accepted")


def _texts(client: SubscriberReply) -> set[str]:
    """Every text that is a value, once; most of them repeat hundreds of times."""
    texts = {sample.attr_name for sample in client.perf or ()}
    texts.update({sample.event_type or "" for sample in client.perf or ()})
    for callback in client.event_callbacks.values():
        texts.update((callback.channel_name, callback.last_resubscribed or ""))
    texts.update([channel.endpoint for channel in client.event_channels.values()])
    for entry in client.not_connected:
        texts.update((entry.device, entry.attribute, entry.event_type, entry.last_heartbeat or ""))
        texts.add(entry.tango_host or "")
    return texts


def _keyed_texts(client: SubscriberReply) -> Iterator[tuple[str, str]]:
    """The same with the key of each; slow, used only to name the one that is not fine."""
    for topic, callback in client.event_callbacks.items():
        key = f"$.client.event_callbacks[{shown_name(topic)}]"
        yield f"{key}.channel_name", callback.channel_name
        yield f"{key}.last_resubscribed", callback.last_resubscribed or ""
    for name, channel in client.event_channels.items():
        yield f"$.client.event_channels[{shown_name(name)}].endpoint", channel.endpoint
    for index, entry in enumerate(client.not_connected):
        for field in ("device", "attribute", "event_type", "last_heartbeat", "tango_host"):
            yield f"$.client.not_connected[{index}].{field}", getattr(entry, field) or ""
    for index, sample in enumerate(client.perf or ()):
        yield f"$.client.perf[{index}].attr_name", sample.attr_name
        yield f"$.client.perf[{index}].event_type", sample.event_type or ""
