"""From lines to Polls, as a poller would have made them, with a clock that goes by the file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stem_device.errors import ReplyError
from stem_device.model.poll import Answer, Failure, Poll, ServerState
from stem_device.model.reply import Reply
from stem_device.reading.importing.parsing import Given
from stem_device.responses import parse_reply
from stem_device.responses.limits import KEPT_CHARACTERS

DEFAULT_STEP_NS = 1_000_000_000
"""Between two polls where the file's clock does not tell it."""

_STATES = (
    (ServerState.MONITORED, r"no answer in this poll \(monitored\)"),  # it was spared
    (ServerState.UNSUPPORTED, r"API_CommandNotFound|cannot tell about its events|\(unsupported\)"),
    (
        ServerState.NOT_EXPORTED,
        r"DeviceNotExported|DeviceNotDefined|is not running|no such device|\(not exported\)",
    ),
    (ServerState.FAILING, r"reply cannot be used|answers with an error|\(failing\)"),
)
_FAILURES = (
    (Failure.UNDEFINED, ServerState.NOT_EXPORTED, r"DeviceNotDefined|no such device"),
    (Failure.REPLY, ServerState.FAILING, r"reply cannot be used"),
    (Failure.DATABASE, ServerState.UNREACHABLE, r"DatabaseConnection|\bthe database\b"),
    (Failure.REFUSED, ServerState.UNREACHABLE, r"refused|ConnectFailed|CantConnectToDevice|nothing listens"),
)
_USUAL = {
    ServerState.MONITORED: Failure.NONE,
    ServerState.UNREACHABLE: Failure.SILENT,
    ServerState.NOT_EXPORTED: Failure.NOT_EXPORTED,
    ServerState.UNSUPPORTED: Failure.UNSUPPORTED,
    ServerState.TAPPED: Failure.UNSUPPORTED,
    ServerState.FAILING: Failure.ERROR,
}
_DIGITS = re.compile(r"\d+")


class ReplayClock:
    """Shows the time of the poll that is being replayed. The monotonic clock takes no part in jumps back."""

    def __init__(self) -> None:
        self._utc_ns = 0
        self._monotonic_ns = 0
        self._step_ns = DEFAULT_STEP_NS
        self._begun = False

    def utc_ns(self) -> int:
        return self._utc_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def go_to(self, utc_ns: int) -> int:
        """Set it to the next poll; returns by how much the file's clock went back, 0 if it did not.

        Where it did, or stood still, as much time is taken to have passed as between the two polls before.
        """
        elapsed = utc_ns - self._utc_ns
        if not self._begun:
            self._monotonic_ns, self._begun = utc_ns, True
        else:
            self._step_ns = elapsed if elapsed > 0 else self._step_ns
            self._monotonic_ns += self._step_ns
        self._utc_ns = utc_ns
        return max(0, -elapsed)


class Replay:
    """Makes Polls. Remembers since when each server is in its state."""

    def __init__(self, clock: ReplayClock) -> None:
        self._clock = clock
        self._kinds: dict[str, tuple[str, int]] = {}
        self._number = 0

    def poll(self, replies: Mapping[str, Given]) -> Poll:
        """The poll of these replies at the time that the clock shows."""
        self._number += 1
        names: dict[str, Given] = {}
        for name, given in replies.items():
            names[name.lower()] = given
        return Poll(
            number=self._number,
            started_utc_ns=self._clock.utc_ns(),
            started_monotonic_ns=self._clock.monotonic_ns(),
            duration_seconds=float("nan"),
            spread_seconds=float("nan"),
            overruns_total=0,
            answers=tuple(self._answer(name, given) for name, given in names.items()),
        )

    def _answer(self, server: str, given: Given) -> Answer:
        text = None if given.data is None else given.data.decode("utf-8", "replace")
        reply, reason = None, given.error
        try:
            reply = None if text is None else parse_reply(text)
        except ReplyError as error:
            reason = f"its reply cannot be used: {error.reason} (at {error.key})"
        about = given.about
        state = ServerState.MONITORED if reply is not None else state_of(reason)
        if about.is_tapped and (reply is not None or text is None):
            state = ServerState.TAPPED
        return Answer(
            server=server,
            state=state,
            reason="" if state is ServerState.MONITORED else reason,
            since_utc_ns=self._since(server, state, reason),
            reply=reply,
            texts=() if text is None else (text if reply is not None else text[:KEPT_CHARACTERS],),
            queries=1,
            sampling=reply is not None and _samples(reply),
            asked_utc_ns=self._clock.utc_ns(),
            asked_monotonic_ns=self._clock.monotonic_ns(),
            answered_monotonic_ns=self._clock.monotonic_ns(),
            failure=_failure(state, about.failure, reason),
            identity=about.identity,
            ended=about.ended,
            followed=about.followed,
            event_endpoints=about.event_endpoints,
            heartbeat_endpoints=about.heartbeat_endpoints,
            tap=about.tap,
            heard_from=about.pushed_before if state is ServerState.TAPPED else {},
        )

    def _since(self, server: str, state: ServerState, reason: str) -> int:
        """Numbers in a reason may change with every poll; it is the same state nevertheless."""
        kind = f"{state}: {_DIGITS.sub('#', reason)}"
        known, since = self._kinds.get(server, ("", 0))
        if kind != known:
            since = self._clock.utc_ns()
            self._kinds[server] = (kind, since)
        return since


def state_of(reason: str) -> ServerState:
    """The state that the text of an error means; most are servers that did not answer."""
    return next((state for state, pattern in _STATES if re.search(pattern, reason)), ServerState.UNREACHABLE)


def _failure(state: ServerState, told: Failure, reason: str) -> Failure:
    """The code that the line tells, if it goes with the state; otherwise that of the text."""
    if state is ServerState.MONITORED:
        return Failure.NONE
    if told is Failure.NONE:
        found = (code for code, owner, pattern in _FAILURES if owner is state and re.search(pattern, reason))
        return next(found, _USUAL[state])
    return told


def _samples(reply: Reply) -> bool:
    sides = (reply.server, reply.client)
    return any(side is not None and side.perf is not None for side in sides)
