"""How one server stands over the polls: its state and since when, its process, and whether that has ended."""

from __future__ import annotations

from msgspec import Struct

from stem_device.errors import StemError, TargetDatabaseError
from stem_device.model.poll import Failure, Identity, ServerState
from stem_device.polling.client import Endpoints
from stem_device.polling.failures import failure_of, reason_of
from stem_device.polling.identity import Lives, Process

REFUSALS = 2
"""Polls in a row with a refused connection that are the end of a process; after one it may be back."""

_KNOWN = {
    Failure.NOT_EXPORTED: "was not running when its database last told",
    Failure.UNDEFINED: "was not known to its database when that last told",
    Failure.REFUSED: "did not run any more where it had been",
    Failure.SILENT: "did not answer when it was last asked",
}
"""What stays known of a server while its database cannot be asked about it."""


class Condition(Struct, frozen=True):
    """What an Answer says of the server itself."""

    state: ServerState = ServerState.MONITORED
    failure: Failure = Failure.NONE
    reason: str = ""
    since_utc_ns: int = 0


class Standing:
    """Keeps what is known of one server; told of every poll by ``note``."""

    def __init__(self, lives: Lives | None = None) -> None:
        self.condition = Condition()
        self.ended = False
        self._refusals = 0
        self._lives = lives or Lives()
        self._endpoints = Endpoints()

    @property
    def identity(self) -> Identity:
        return self._lives.identity

    @property
    def endpoints(self) -> Endpoints:
        """Where the present life publishes."""
        return self._endpoints

    def note_process(self, process: Process, now_utc_ns: int) -> bool:
        """A process answered, be it with an error; whether it is another than before."""
        self.ended, self._refusals = False, 0
        new = self._lives.note(process, now_utc_ns)
        if new:
            self._endpoints = Endpoints()
        return new

    def note_endpoints(self, process: Process, endpoints: Endpoints) -> None:
        """Where a process publishes; of no use if another has answered meanwhile."""
        if self._lives.is_present(process):
            self._endpoints = endpoints

    def note(self, error: StemError | None, now_utc_ns: int, *, asked: bool) -> None:
        """What one poll found; ``asked``: it did ask, and does not repeat what an earlier one found."""
        state, failure, reason = ServerState.MONITORED, Failure.NONE, ""
        if error is not None:
            (state, failure), reason = failure_of(error), reason_of(error)
        known = self.condition
        if isinstance(error, TargetDatabaseError):
            if known.failure in _KNOWN:
                state, failure = known.state, known.failure
                reason = f"{_KNOWN[failure]}; since then {error}"
            else:
                reason = f"cannot be looked up, so nothing is known of it: {error}"
        elif asked:
            self._note_end(failure)
        same = (state, failure) == (known.state, known.failure) and known.since_utc_ns
        self.condition = Condition(state, failure, reason, known.since_utc_ns if same else now_utc_ns)

    def _note_end(self, failure: Failure) -> None:
        if failure is Failure.NOT_EXPORTED:
            self.ended = True
        elif failure in (Failure.REFUSED, Failure.UNDEFINED):
            self._refusals += 1
            self.ended = self.ended or self._refusals >= REFUSALS
        elif failure is Failure.SILENT:
            self._refusals = 0
