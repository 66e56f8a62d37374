"""What one poll brought back, before anything is counted."""

from __future__ import annotations

import enum

from msgspec import Struct

from stem_device.model.reply import Reply


class ServerState(enum.StrEnum):
    """The states of a monitored server, in the words an operator reads."""

    MONITORED = "monitored"
    UNREACHABLE = "unreachable"
    NOT_EXPORTED = "not exported"
    UNSUPPORTED = "unsupported"
    FAILING = "failing"


class Answer(Struct, frozen=True):
    """One server in one poll.

    ``server`` is its admin device (or the device itself, if that has ``QueryEventSystem``) with the
    ``tango://host:port/`` of its database, in lower case: the one name under which it is known.
    ``reason`` is empty when monitored; otherwise it says what is wrong and what to do.
    ``reply`` is None in any state but MONITORED; it holds the samples of every query of this poll.
    ``texts`` are the replies as they came, oldest first; kept also when they could not be parsed.
    ``asked``/``answered`` times belong to the last query of the poll, the one that brought the counters.
    """

    server: str
    state: ServerState
    reason: str = ""
    since_utc_ns: int = 0
    tango_version: str = ""
    reply: Reply | None = None
    texts: tuple[str, ...] = ()
    queries: int = 0
    sampling: bool = False
    sampling_ours: bool = False
    asked_utc_ns: int = 0
    asked_monotonic_ns: int = 0
    answered_monotonic_ns: int = 0


class Poll(Struct, frozen=True):
    """One round of questions to every target.

    ``spread_seconds`` is the time between the first and the last request of the round;
    ``overruns_total`` counts the poll times that were skipped because a poll took longer than its period.
    ``problems`` are sentences about targets as a whole (a wildcard without a match, a database that is down).
    """

    number: int
    started_utc_ns: int
    started_monotonic_ns: int
    duration_seconds: float
    spread_seconds: float
    overruns_total: int
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()
