"""Where Answers come from: one protocol, and how the Answers of several sources become one list."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct, structs

from stem_device.model.poll import Answer, ServerState


class PollStart(Struct, frozen=True):
    """One poll, as a source sees it. ``spare``: servers whose answers take long may be left alone.

    ``known`` is what the sources before this one have said at this poll.
    """

    number: int
    started_utc_ns: int
    started_monotonic_ns: int
    spare: bool = True
    known: tuple[Answer, ...] = ()


class Answers(Struct, frozen=True):
    """What one source has to say at one poll.

    ``problems`` are sentences about the source as a whole. ``spread_seconds`` is the time between the first
    and the last request. ``ask_seconds`` and ``parse_seconds``: how long it asked and parsed; NaN: all of
    its time but that of parsing.
    """

    answers: tuple[Answer, ...] = ()
    problems: tuple[str, ...] = ()
    spread_seconds: float = 0.0
    ask_seconds: float = math.nan
    parse_seconds: float = 0.0


class Source(Protocol):
    """Something that knows counters of servers: it asks them, listens to them, or is told.

    ``collect`` is called once a poll, on the poll thread, and returns an Answer for *every* server that the
    source knows: one that is missing has left, and its accounts are closed. Where nothing came since the last
    poll the Answer says so (a state, or no reply). It returns at once with what there is: what has to be
    waited for (a network, a disk) is waited for on threads of the source. An Answer carries the identity of
    the process that it tells of: counters of one life are compared, those of two never.
    """

    @property
    def name(self) -> str:
        """For problems and the log."""

    def collect(self, start: PollStart) -> Answers:
        """What is known now. What it raises is told, and makes its servers failing at this poll."""

    def close(self) -> None:
        """Let go of everything. For good."""


def joined(each: Iterable[Answers]) -> tuple[Answer, ...]:
    """One Answer a server. The first source that has one prevails, unless it can never ask that server.

    So counters of one server come from one source as long as it lives: a source further back speaks only for
    servers that the others do not know, or know to be unsupported. What a tap heard stands beside any.
    """
    found: dict[str, Answer] = {}
    for answers in each:
        for answer in answers.answers:
            known = found.get(answer.server)
            if known is None or (
                known.state is ServerState.UNSUPPORTED and answer.state is not ServerState.UNSUPPORTED
            ):
                found[answer.server] = answer
            elif answer.tap is not None and known.tap is None:
                found[answer.server] = structs.replace(known, tap=answer.tap)
    return tuple(found.values())
