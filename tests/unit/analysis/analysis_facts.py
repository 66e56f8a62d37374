"""Facts of a healthy system; tests change what matters."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from stem_device.analysis.facts import Coverage, Disconnected, Facts, Loss, Overdue, Silence, Span
from stem_device.model.poll import Failure

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND

HEALTHY = Facts(
    span=Span(START, START + 60 * SECOND, polls=7),
    coverage=Coverage(subscriptions=3, subscribers=2, answering=3, servers=3),
)


def facts(**changes: Any) -> Facts:
    return structs.replace(HEALTHY, **changes)


def loss(missed: int = 5, unaccounted: int = 0, **changes: Any) -> Loss:
    plain = Loss(
        server="dserver/slow/1",
        topic="a/b/c/x.idl5_change",
        stream="a/b/c/x.change",
        publisher="dserver/fast/1",
        missed=missed,
        unaccounted=unaccounted,
        at_least=False,
        received=None,
        since_utc_ns=START + 10 * SECOND,
        noticed_utc_ns=START + 30 * SECOND,
        until_utc_ns=START + 30 * SECOND,
    )
    return structs.replace(plain, **changes)


def lost(*losses: Loss, **changes: Any) -> Facts:
    return facts(
        missed=sum(one.missed for one in losses),
        unaccounted=sum(one.unaccounted for one in losses),
        losses=losses,
        losers=len(losses),
        **changes,
    )


def overdue(polls: int = 2, **changes: Any) -> Overdue:
    plain = Overdue("dserver/slow/1", "a/b/c/x.idl5_change", "a/b/c/x.change", "dserver/fast/1", 9, polls)
    return structs.replace(plain, **changes)


def silence(failure: Failure, polls: int = 2, seconds: float = 20.0, **changes: Any) -> Silence:
    plain = Silence("dserver/fast/1", failure, f"it is {failure}", START, polls, seconds)
    return structs.replace(plain, **changes)


def retried(polls: int = 2) -> Disconnected:
    return Disconnected("dserver/slow/1", "a/b/c/x.change", polls)
