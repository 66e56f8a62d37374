"""Which dialect a text is in, and the one way from text to reply."""

from __future__ import annotations

import re
from types import ModuleType

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from stem_device.errors import ReplyError
from stem_device.model.reply import Reply
from stem_device.responses import cpptango, patched
from stem_device.responses.limits import MAX_REPLY_BYTES, check_limits, surely_printable
from stem_device.responses.locate import located, shown_name
from stem_device.responses.repair import from_latin_1, place_of, repaired


class _Head(Struct):
    """The keys that tell the dialects apart, their values unread."""

    version: Raw | UnsetType = UNSET
    server: Raw | UnsetType = UNSET
    client: Raw | UnsetType = UNSET


_HEAD = msgspec.json.Decoder(_Head)
_EMPTY_OBJECT = re.compile(r"\s*\{\s*\}\s*")


def parse_reply(text: str | bytes, *, max_bytes: int = MAX_REPLY_BYTES) -> Reply:
    """The typed reply of one server's answer to ``QueryEventSystem``, whichever dialect it is in.

    Unknown keys are ignored. Raises ReplyError, and nothing else, for whatever cannot be used:
    longer than ``max_bytes``, no JSON, an unknown version, wrong types, counters that are not whole
    numbers from 0 to MAX_COUNT (2**53), names that break the limits of :mod:`stem_device.responses.limits`.
    """
    checked = _as_text(text, max_bytes)
    try:
        return _parsed(checked)
    except ReplyError as error:
        mended = _mended(checked) if _may_be_for_names(error) else None
        if mended is not None:
            return mended
        # No error may be its own cause, or stay in a variable here: all of the text would stay in memory.
        reason = _blame(error.reason, checked)
        if not reason:
            raise
        raise ReplyError(error.key, reason) from error


def _parsed(text: str) -> Reply:
    reply = _at_first_sight(text)
    if reply is None:
        reply = _with_care(text)
    check_limits(reply, printable=surely_printable(text))
    return reply


def _may_be_for_names(error: ReplyError) -> bool:
    """Whether names that are not escaped can be what is wrong: not where it is JSON with other contents."""
    return not isinstance(error.__cause__, msgspec.ValidationError | RecursionError)


def _mended(text: str) -> Reply | None:
    """The reply if it can be read once its names are escaped; see :mod:`.repair`."""
    if surely_printable(text) and text.count('"') % 2 == 0 and _is_json(text):
        return None  # nothing to escape
    escaped = repaired(text)
    if escaped is None or escaped == text:
        return None
    try:
        return _parsed(escaped)
    except ReplyError:
        return None


def _is_json(text: str) -> bool:
    try:
        _HEAD.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _blame(reason: str, text: str) -> str:
    """The reason with the name that stands where the text is no JSON; empty if there is none to name."""
    place = place_of(reason, text) if text.startswith('{"version":') else ""
    if not place:
        return ""
    return (
        f"{reason}; cppTango does not escape the names it writes, and the name at {shown_name(place)} "
        "breaks its reply: give that attribute another name"
    )


def _at_first_sight(text: str) -> Reply | None:
    """The reply if the text begins as cppTango's do, without a look through all of it for its dialect."""
    if not text.startswith('{"version":'):
        return None
    try:
        return cpptango.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _with_care(text: str) -> Reply:
    """The reply in whichever dialect, or the error that says what is wrong with it."""
    dialect: ModuleType = cpptango
    try:
        dialect = _dialect(text)
        reply: Reply = dialect.decode(text)
    except msgspec.ValidationError as error:
        raise located(error, text, dialect.ENTRY_TYPES) from error
    except msgspec.DecodeError as error:
        raise ReplyError("$", str(error)) from error
    except RecursionError as error:
        raise ReplyError("$", "nested too deeply") from error
    return reply


def _as_text(text: str | bytes, max_bytes: int) -> str:
    """Valid Unicode of bounded length; the length is looked at first, so that a huge text costs nothing."""
    if isinstance(text, str) and not text.isascii() and len(text) <= max_bytes:
        text = from_latin_1(text)
    if not isinstance(text, str | bytes):
        raise ReplyError("$", f"expected a text, got {type(text).__name__}")
    if len(text) > max_bytes:
        raise ReplyError("$", f"{len(text)} bytes; at most {max_bytes} are accepted")
    try:
        if isinstance(text, bytes):
            return text.decode()
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeError as error:
        raise ReplyError("$", f"not valid UTF-8: {error}") from error
    if size > max_bytes:
        raise ReplyError("$", f"{size} bytes; at most {max_bytes} are accepted")
    return text


def _dialect(text: str) -> ModuleType:
    head = _HEAD.decode(text)
    if head.version is not UNSET:
        _check_version(bytes(head.version).strip())
        return cpptango
    if head.server is UNSET and head.client is UNSET and not _EMPTY_OBJECT.fullmatch(text):
        raise ReplyError("$", "no reply of QueryEventSystem: it has neither `version`, `server` nor `client`")
    return patched


def _check_version(version: bytes) -> None:
    if version != str(cpptango.VERSION).encode():
        shown = shown_name(version.decode())
        raise ReplyError(
            "$.version",
            f"version {shown} of the reply is unknown; this program reads version {cpptango.VERSION}",
        )
