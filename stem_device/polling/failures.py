"""What an error says of a server: its state, the code of the failure, and the sentence for a person."""

from __future__ import annotations

from stem_device.errors import (
    ImplausibleError,
    ReplyError,
    StemError,
    TargetDatabaseError,
    TargetNotExportedError,
    TargetRefusedError,
    TargetUndefinedError,
    TargetUnreachableError,
    TargetUnsupportedError,
)
from stem_device.model.poll import Failure, ServerState

_STATES: tuple[tuple[type[StemError], ServerState, Failure], ...] = (
    (TargetDatabaseError, ServerState.UNREACHABLE, Failure.DATABASE),
    (TargetRefusedError, ServerState.UNREACHABLE, Failure.REFUSED),
    (TargetUnreachableError, ServerState.UNREACHABLE, Failure.SILENT),
    (TargetUndefinedError, ServerState.NOT_EXPORTED, Failure.UNDEFINED),
    (TargetNotExportedError, ServerState.NOT_EXPORTED, Failure.NOT_EXPORTED),
    (TargetUnsupportedError, ServerState.UNSUPPORTED, Failure.UNSUPPORTED),
    (ImplausibleError, ServerState.FAILING, Failure.IMPLAUSIBLE),
    (ReplyError, ServerState.FAILING, Failure.REPLY),
)


def failure_of(error: StemError) -> tuple[ServerState, Failure]:
    """State and code that an error means; any that is not listed is a failing server."""
    found = ((state, failure) for kind, state, failure in _STATES if isinstance(error, kind))
    return next(found, (ServerState.FAILING, Failure.ERROR))


def reason_of(error: StemError) -> str:
    """What an operator reads."""
    if isinstance(error, ReplyError):
        return (
            f"its reply cannot be used: {error.reason} (at {error.key}); report it to those who look after it"
        )
    if isinstance(error, ImplausibleError):
        return (
            f"its counters cannot be true, and are left out of all sums: {error}; report it to those who "
            "look after it"
        )
    if isinstance(error, TargetDatabaseError):
        return str(error)
    reason: str = getattr(error, "reason", str(error))
    return reason
