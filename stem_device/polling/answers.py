"""From what came of the queries to the Answer: parsing, state, since when."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from stem_device.errors import (
    ReplyError,
    StemError,
    TargetFailingError,
    TargetNotExportedError,
    TargetUnreachableError,
    TargetUnsupportedError,
)
from stem_device.model.poll import Answer, ServerState
from stem_device.model.reply import Reply
from stem_device.polling.sampling import Sampling, sampling_of
from stem_device.polling.worker import KEPT_CHARACTERS, Outcome
from stem_device.responses import merge_samples, parse_reply

_STATES: tuple[tuple[type[StemError], ServerState], ...] = (
    (TargetUnreachableError, ServerState.UNREACHABLE),
    (TargetNotExportedError, ServerState.NOT_EXPORTED),
    (TargetUnsupportedError, ServerState.UNSUPPORTED),
    (TargetFailingError, ServerState.FAILING),
)
_NUMBERS = re.compile(r"\d+")


class Collected(Struct, frozen=True):
    """The outcomes of one target since the last poll, the replies in them parsed.

    ``replies`` are oldest first, each with its outcome; ``texts`` those of all.
    ``error`` is what is wrong with the latest, if anything.
    """

    replies: tuple[tuple[Outcome, Reply], ...]
    texts: tuple[str, ...]
    error: StemError | None
    last: Outcome | None
    queries: int


def parse_outcomes(outcomes: Sequence[Outcome]) -> Collected:
    """Parse every text; those that cannot be used are kept, cut to KEPT_CHARACTERS."""
    replies: list[tuple[Outcome, Reply]] = []
    texts: list[str] = []
    error: StemError | None = None
    for outcome in outcomes:
        text, error = outcome.text, outcome.error
        if text is not None and error is None:
            try:
                replies.append((outcome, parse_reply(text)))
            except ReplyError as unusable:
                # A new one: the traceback would keep all of the text, and what was made of it, in memory.
                text, error = text[:KEPT_CHARACTERS], ReplyError(unusable.key, unusable.reason)
        if text is not None:
            texts.append(text)
    last = outcomes[-1] if outcomes else None
    return Collected(tuple(replies), tuple(texts), error, last, len(outcomes))


class Standing:
    """State of one server over the polls: since when it has been in it, and why."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._kind = ""
        self._since_utc_ns = 0
        self._tango_version = ""
        self._sampling = Sampling.UNKNOWN

    @property
    def sampling(self) -> Sampling:
        """What the latest reply told of sampling; UNKNOWN while the server does not answer."""
        return self._sampling

    def answer(self, collected: Collected, error: StemError | None, *, ours: bool, now_utc_ns: int) -> Answer:
        """The Answer of one poll; ``error`` is why there is no usable reply to it, None if there is one."""
        if error is None and not collected.replies:
            error = TargetFailingError(self._server, "was asked, but there is neither a reply nor an error")
        state = ServerState.MONITORED if error is None else state_of(error)
        reason = "" if error is None else reason_of(error)
        self._note_kind(state, reason, now_utc_ns)
        outcome = collected.replies[-1][0] if error is None else collected.last
        if outcome is not None:
            self._tango_version = outcome.tango_version or self._tango_version
        reply = merge_samples([reply for _, reply in collected.replies]) if error is None else None
        latest = collected.replies[-1][1] if error is None else None
        self._sampling = Sampling.UNKNOWN if latest is None else sampling_of(latest)
        return Answer(
            server=self._server,
            state=state,
            reason=reason,
            since_utc_ns=self._since_utc_ns,
            tango_version=self._tango_version,
            reply=reply,
            texts=collected.texts,
            queries=collected.queries,
            sampling=self._sampling in (Sampling.ON, Sampling.PARTLY),
            sampling_ours=ours,
            asked_utc_ns=outcome.asked_utc_ns if outcome is not None else 0,
            asked_monotonic_ns=outcome.asked_monotonic_ns if outcome is not None else 0,
            answered_monotonic_ns=outcome.answered_monotonic_ns if outcome is not None else 0,
        )

    def _note_kind(self, state: ServerState, reason: str, now_utc_ns: int) -> None:
        # Numbers in an error text may change with every poll; the kind of reason is then still the same.
        kind = f"{state}: {_NUMBERS.sub('#', reason)}"
        if kind != self._kind:
            self._kind, self._since_utc_ns = kind, now_utc_ns


def state_of(error: StemError) -> ServerState:
    """The state that an error means; anything else than a TargetError is a failing server."""
    return next((state for kind, state in _STATES if isinstance(error, kind)), ServerState.FAILING)


def reason_of(error: StemError) -> str:
    """What an operator reads."""
    if isinstance(error, ReplyError):
        return (
            f"its reply cannot be used: {error.reason} (at {error.key}); report it to those who look after it"
        )
    reason: str = getattr(error, "reason", str(error))
    return reason
