"""One line of JSON: a poll or a mark, in the forms that programs have written.

- ours and the observatory script's: ``{"time": ..., "replies": {server: {"data": ...} or {"error": ...}}}``;
- ours: ``{"time": ..., "mark": {...}}``; beside data or error, what is known of the process;
- a line a server, from test fixtures: ``{"time": ..., "name": server, "data": ...}`` or ``"error"``.

The observatory script writes lines by hand. A released version leaves out the last two braces of every line,
and all put the text of an error between quotes as it is, whatever is in there. Both are mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from stem_device.model.clock import MAX_UTC_NS
from stem_device.model.limits import MAX_COUNT
from stem_device.model.mark import Mark
from stem_device.model.poll import TapFigures
from stem_device.recording import format as spec
from stem_device.recording.jsonl import About
from stem_device.recording.kinds import Column, Kind, Table, bounds_of

_ERROR = re.compile(rb'"error":"(\(?Dev(?:Error|Failed)\(.*?\)\)?)"\}(?=,"|\}|\s*$)', re.DOTALL)
_GLUED = re.compile(rb'(?<=\})\s*(?=\{\s*"time"\s*:)')
"""No text in JSON has this: the quotes in it would be escaped."""
_CLOSINGS = (b"", b"}}", b"}")
_MAX_ITERATION = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Given(Struct, frozen=True):
    """What came of one server: a reply as it is in the file, or the text of an error."""

    data: bytes | None
    error: str = ""
    about: About = About()


class PollLine(Struct, frozen=True):
    """A poll at ``utc_ns``. ``single``: a line of one server; others of that poll may have theirs."""

    utc_ns: int
    replies: dict[str, Given]
    single: bool = False
    mended: bool = False


class _Reply(Struct):
    data: Raw | UnsetType = UNSET
    error: Any = UNSET
    failure: Any = UNSET
    identity: Any = UNSET
    ended: Any = UNSET
    followed: Any = UNSET
    event_endpoints: Any = UNSET
    heartbeat_endpoints: Any = UNSET
    tap: Any = UNSET
    pushed_before: Any = UNSET


class _Line(Struct):
    time: Any = UNSET
    replies: dict[str, _Reply] | UnsetType = UNSET
    mark: Raw | UnsetType = UNSET
    name: str | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    error: Any = UNSET


def _numbers(table: Table, fields: tuple[str, ...]) -> Iterator[Column]:
    """The columns of numbers that are taken from these fields of a record."""
    for column in table.columns:
        if column.kind in {Kind.INTEGER, Kind.FLOAT} and column.source.partition(".")[0] in fields:
            yield column


_NOTHING = About()
_TOLD = About.__struct_fields__
_SERVER_NUMBERS = tuple(_numbers(spec.SERVERS, _TOLD))
_TAP_NUMBERS = tuple(_numbers(spec.TAPS, TapFigures.__struct_fields__))
_DECODER = msgspec.json.Decoder(_Line)
_MARK = msgspec.json.Decoder(Mark)


def objects_of(line: bytes) -> list[bytes]:
    """The objects of a line: more than one where an end of line was lost between them."""
    return _GLUED.split(line)


def parse_line(line: bytes, zone: tzinfo, after_utc_ns: int = 0) -> PollLine | Mark:
    """Raises ValueError with the reason for what cannot be used.

    ``zone`` is that of times without one. In the hour that comes twice in autumn it is the first one, unless
    that were before ``after_utc_ns``, the time of the line before.
    """
    found, mended = _decode(line.strip())
    if found.mark is not UNSET:
        return _mark(found.mark)
    utc_ns = _utc_ns(found.time, zone, after_utc_ns)
    if found.replies is not UNSET:
        replies = {
            name: _given(reply.data, reply.error, _about(reply))
            for name, reply in found.replies.items()
            if name
        }
        return PollLine(utc_ns, replies, mended=mended)
    if found.name is not UNSET and found.name:
        return PollLine(utc_ns, {found.name: _given(found.data, found.error)}, single=True, mended=mended)
    raise ValueError("it has neither replies nor a mark")


def _decode(line: bytes) -> tuple[_Line, bool]:
    """As it is, or mended; the first error if neither helps."""
    first = ""
    for attempt, text in enumerate((line, _ERROR.sub(_quoted, line)) if b'"error":"' in line else (line,)):
        for closing in _CLOSINGS:
            try:
                return _DECODER.decode(text + closing), bool(attempt or closing)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                first = first or str(error)
    raise ValueError(f"no line of a recording: {first:.200}")


def _quoted(found: re.Match[bytes]) -> bytes:
    """The text of an error as a string of JSON."""
    return b'"error":' + msgspec.json.encode(found[1].decode("utf-8", "replace")) + b"}"


def _mark(raw: Raw) -> Mark:
    try:
        mark = _MARK.decode(raw)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError(f"its mark cannot be used: {error!s:.200}") from error
    for name in ("emitted_utc_ns", "received_utc_ns", "received_monotonic_ns", "iteration"):
        number = getattr(mark, name)
        most = _MAX_ITERATION if name == "iteration" else MAX_UTC_NS
        if number is not None and not 0 <= number <= most:
            raise ValueError(f"its mark cannot be used: {name} is {number}")
    return mark


def _given(data: Raw | UnsetType, error: Any, about: About = _NOTHING) -> Given:
    if data is not UNSET and bytes(data) != b"null":
        return Given(bytes(data), about=about)
    return Given(None, "no reply was recorded" if error is UNSET else str(error), about)


def _about(reply: _Reply) -> About:
    """What is not as we write it means something else: other programs may use the same words."""
    told = {name: value for name in _TOLD if (value := getattr(reply, name)) is not UNSET}
    if not told:
        return _NOTHING
    try:
        about = msgspec.convert(told, About)
    except msgspec.ValidationError:
        return _NOTHING
    return about if _can_be_true(about) else _NOTHING


def _can_be_true(about: About) -> bool:
    """Whether a recording could hold it: one number beyond its limits would make all of it unreadable."""
    numbers = [(column, attrgetter(column.source)(about)) for column in _SERVER_NUMBERS]
    if about.tap is not None:
        numbers += [(column, attrgetter(column.source)(about.tap)) for column in _TAP_NUMBERS]
    return all(number is None or _is_within(column, number) for column, number in numbers) and all(
        0 <= number < MAX_COUNT for number in about.pushed_before.values()
    )


def _is_within(column: Column, number: float) -> bool:
    least, most = bounds_of(column) if column.kind is Kind.INTEGER else (0, MAX_COUNT)
    return least <= number <= most


def _utc_ns(time: Any, zone: tzinfo, after_utc_ns: int) -> int:
    """Nanoseconds of a time in ISO 8601."""
    if not isinstance(time, str):
        raise ValueError("it has no time")  # noqa: TRY004 - wrong data, whatever its type
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise ValueError(f"{time[:60]!r} is no time in ISO 8601") from error
    if moment.tzinfo:
        nanoseconds = _since_1970(moment)
    else:
        nanoseconds, second = (_since_1970(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
        if nanoseconds < after_utc_ns <= second:
            nanoseconds = second
    if not 0 <= nanoseconds <= MAX_UTC_NS:
        raise ValueError(f"{time[:60]!r} is before 1970 or after 2261")
    return nanoseconds


def _since_1970(moment: datetime) -> int:
    since = moment.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
