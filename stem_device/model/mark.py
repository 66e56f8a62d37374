"""A mark: what somebody told about a run, and when."""

from __future__ import annotations

import enum

from msgspec import Struct

MAX_NAME_CHARACTERS = 256
"""Of a run and of a mark."""
MAX_TEXT_CHARACTERS = 1024
"""Of whatever else is told of a run."""
MAX_ERROR_CHARACTERS = 8192


class MarkKind(enum.StrEnum):
    """What a mark does to its run."""

    BEGIN = "begin"
    MARK = "mark"
    END = "end"


class Mark(Struct, frozen=True, kw_only=True):
    """One moment of a run.

    ``name`` is that of the kind for BEGIN and END, and no MARK has such a name.
    ``emitted_utc_ns`` is when it happened, as the client says; the time of reception if it did not say.
    All times are 0 before the monitor has received the mark and the client did not say.
    ``iteration`` tells repetitions of a run or of a mark apart. What nobody told is None.
    """

    kind: MarkKind
    run: str
    name: str
    emitted_utc_ns: int
    received_utc_ns: int
    received_monotonic_ns: int
    iteration: int | None = None
    device_group: str | None = None
    queue: str | None = None
    configuration: str | None = None
    host: str | None = None
    worker: str | None = None
    requestor: str | None = None
    request_id: str | None = None
    error: str | None = None
