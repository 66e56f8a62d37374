"""The JSON of the commands BeginRun, Mark and EndRun, as docs/reference/marks.md describes it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stem_device.device.text import tango_text
from stem_device.errors import MarkError
from stem_device.model.mark import (
    MAX_ERROR_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Mark,
    MarkKind,
)
from stem_device.monitor import MarkOutcome
from stem_device.recording.layout import iso8601

MARK_IN = (
    "JSON object: run, and as you like time, iteration, device_group, queue, ...; see docs/reference/marks.md"
)
NAMED_MARK_IN = MARK_IN.replace("run, and", "run, name, and")
MARK_OUT = "JSON object: recorded, reason (why it is not recorded), received (ISO 8601, UTC)"

MAX_JSON_CHARACTERS = 65_536
MAX_REASON_CHARACTERS = 400
EARLIEST_NS = 946_684_800 * 10**9
"""2000-01-01: whoever sends seconds in place of nanoseconds is told."""
LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCATION = re.compile(r"(?P<reason>.*) - at `(?P<key>.*)`", re.DOTALL)

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARACTERS)]
IsoTime = Annotated[str, Meta(max_length=64)]
Nanoseconds = Annotated[int, Meta(ge=EARLIEST_NS, le=LATEST_NS)]


class RunMark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Argument of BeginRun and EndRun."""

    run: Name
    time: IsoTime | Nanoseconds | None = None
    iteration: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    device_group: Text | None = None
    queue: Text | None = None
    configuration: Text | None = None
    host: Text | None = None
    worker: Text | None = None
    requestor: Text | None = None
    request_id: Text | None = None
    error: Annotated[str, Meta(max_length=MAX_ERROR_CHARACTERS)] | None = None


class NamedMark(RunMark, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Argument of Mark."""

    name: Name


def parse_mark(kind: MarkKind, text: str) -> Mark:
    """The argument of a command as a mark that was not received yet. Raises MarkError."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise MarkError("$", f"{len(text)} characters are more than {MAX_JSON_CHARACTERS}")
    told = _decode(text, NamedMark if kind is MarkKind.MARK else RunMark)
    name = told.name if isinstance(told, NamedMark) else str(kind)
    _check_name("$.run", told.run)
    _check_name("$.name", name)
    if isinstance(told, NamedMark) and name in {MarkKind.BEGIN, MarkKind.END}:
        raise MarkError("$.name", f"a mark cannot be called {name!r}; use BeginRun or EndRun")
    return Mark(
        kind=kind,
        run=told.run,
        name=name,
        emitted_utc_ns=_utc_ns(told.time),
        received_utc_ns=0,
        received_monotonic_ns=0,
        iteration=told.iteration,
        device_group=told.device_group,
        queue=told.queue,
        configuration=told.configuration,
        host=told.host,
        worker=told.worker,
        requestor=told.requestor,
        request_id=told.request_id,
        error=told.error,
    )


def mark_reply(outcome: MarkOutcome) -> str:
    """The answer of a command, ASCII."""
    reply = {
        "recorded": outcome.recorded,
        "reason": tango_text(outcome.reason, MAX_REASON_CHARACTERS),
        "received": iso8601(outcome.mark.received_utc_ns),
    }
    return json.dumps(reply)


def _decode(text: str, kind: type[RunMark]) -> RunMark:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        located = _LOCATION.fullmatch(str(error))
        key, reason = (located["key"], located["reason"]) if located else ("$", str(error))
        raise MarkError(tango_text(key), tango_text(reason, MAX_REASON_CHARACTERS)) from error


def _check_name(key: str, name: str) -> None:
    if not name.isprintable() or name != name.strip():
        raise MarkError(
            key, "it must be printable, without line breaks, and must not begin or end with a space"
        )


def _utc_ns(told: str | int | None) -> int:
    """0 if nothing was told."""
    if isinstance(told, int):
        return told
    if told is None:
        return 0
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as error:
        raise MarkError(
            "$.time", f"{tango_text(told)!r} is no ISO 8601 time, as 2026-11-22T04:15:30Z"
        ) from error
    if moment.tzinfo is None:
        raise MarkError("$.time", f"{tango_text(told)!r} has no time zone; end it with Z for UTC")
    utc_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if not EARLIEST_NS <= utc_ns <= LATEST_NS:
        raise MarkError("$.time", f"{tango_text(told)!r} is not between the years 2000 and 2100")
    return utc_ns
