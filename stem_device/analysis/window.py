"""Losses of a span that moves on with time, in bounded memory."""

from __future__ import annotations

import heapq
import math

from msgspec import Struct, structs

from stem_device.analysis.facts import MAX_LOSSES, Blind, Loss
from stem_device.model.snapshot import Snapshot

STEPS = 20
"""Losses of a subscription are kept by so many steps of the span: a sum may reach back 5 % too far, but the
last loss is forgotten on time."""

MAX_STEPS = 1000
"""Polls with blind time that are remembered one by one: a span that moves on may reach back a little too far
where more of its polls have some."""

Key = tuple[str, str]
"""Server and topic."""


class _Step(Struct):
    """Losses that were noticed close to each other; ``monotonic_ns``: the first and the last notice."""

    begin_monotonic_ns: int
    end_monotonic_ns: int
    loss: Loss


class LossWindow:
    """Adds up what was lost within the last ``seconds`` (infinite: for ever), by subscription."""

    def __init__(self, seconds: float) -> None:
        self._hold_ns = seconds * 1e9
        self._steps: dict[Key, list[_Step]] = {}

    def forget(self, now_ns: int) -> None:
        """Forget what was noticed too long ago."""
        if math.isinf(self._hold_ns):
            return
        for key in list(self._steps):
            kept = [step for step in self._steps[key] if now_ns - step.end_monotonic_ns < self._hold_ns]
            if kept:
                self._steps[key] = kept
            else:
                del self._steps[key]

    def add(self, loss: Loss, now_ns: int) -> None:
        """Count what one poll noticed; unaccounted may be negative where events arrived after all."""
        steps = self._steps.setdefault((loss.server, loss.topic), [])
        if steps and now_ns - steps[-1].begin_monotonic_ns <= self._hold_ns / STEPS:
            last = steps[-1]
            last.loss = together(last.loss, loss)
            last.end_monotonic_ns = max(last.end_monotonic_ns, now_ns)
        else:
            steps.append(_Step(now_ns, now_ns, loss))

    def cut(self) -> None:
        """Bound the memory: the losses noticed last stay by name, the rest is one sum without a name."""
        if len(self._steps) <= MAX_LOSSES:
            return
        newest = heapq.nlargest(
            MAX_LOSSES,
            self._steps,
            key=lambda key: (
                self._steps[key][-1].end_monotonic_ns,
                sum(s.loss.lost for s in self._steps[key]),
            ),
        )
        for key in self._steps.keys() - set(newest):
            for step in self._steps.pop(key):
                one = step.loss
                rest = nameless(one.missed, one.unaccounted, one.since_utc_ns, one.until_utc_ns)
                self.add(rest, step.end_monotonic_ns)

    def losses(self) -> tuple[Loss, ...]:
        """One Loss a subscription, worst first; the one without a server is what has no name (any more)."""
        sums = [_sum(steps) for steps in self._steps.values()]
        return tuple(sorted((one for one in sums if one.lost > 0), key=lambda one: -one.lost))


class BlindWindow:
    """The time within the last ``seconds`` in which nothing counted what was pushed, by subscription."""

    def __init__(self, seconds: float) -> None:
        self._hold_ns = seconds * 1e9
        self._kept: list[tuple[int, float, dict[Key, float]]] = []
        self._total: float | None = None
        self._totals: dict[Key, float] = {}
        self._publishers: dict[Key, str] = {}
        self._told: Blind | None = None

    def take(self, snapshot: Snapshot) -> Blind | None:
        """With one more poll; what the first one tells was before the span."""
        now, total = snapshot.monotonic_ns, snapshot.counts.blind_seconds
        before, self._total = self._total, total
        if total and (before is None or total > before):
            risen = self._risen(snapshot)
            if before is not None:
                self._kept.append((now, total - before, risen))
        known = len(self._kept)
        self._kept = [one for one in self._kept if now - one[0] < self._hold_ns]
        if len(self._kept) == known and (before is None or total <= before):
            return self._told  # as in by far most polls: nothing came, nothing is over
        if len(self._kept) > 1 and (math.isinf(self._hold_ns) or len(self._kept) > MAX_STEPS):
            first, second, *rest = self._kept
            self._kept = [(second[0], first[1] + second[1], _added(first[2], second[2])), *rest]
        self._told = self._blind() if self._kept else None
        return self._told

    def _risen(self, snapshot: Snapshot) -> dict[Key, float]:
        found = {}
        for server in snapshot.servers:
            for row in server.subscriptions:
                if row.blind_seconds and not row.ended:
                    key = (server.name, row.topic)
                    more = row.blind_seconds - self._totals.get(key, 0.0)
                    if more > 0:
                        found[key] = more
                        self._publishers[key] = row.publisher
                    self._totals[key] = row.blind_seconds
        return found

    def _blind(self) -> Blind:
        seconds: dict[Key, float] = {}
        for _, _, risen in self._kept:
            seconds = _added(seconds, risen)
        each = ((more, key) for key, more in seconds.items())
        return Blind.longest(each, sum(one[1] for one in self._kept), self._publishers.__getitem__)


def _added(one: dict[Key, float], other: dict[Key, float]) -> dict[Key, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in one.keys() | other.keys()}


def nameless(missed: int, unaccounted: int, since_utc_ns: int, until_utc_ns: int) -> Loss:
    """Losses of which nobody tells whose they are."""
    return Loss(
        server="",
        topic="",
        stream="",
        publisher="",
        missed=missed,
        unaccounted=unaccounted,
        at_least=False,
        received=None,
        since_utc_ns=since_utc_ns,
        noticed_utc_ns=until_utc_ns,
        until_utc_ns=until_utc_ns,
    )


def together(one: Loss, later: Loss) -> Loss:
    """Both losses of one subscription as one."""
    return structs.replace(
        later,
        missed=one.missed + later.missed,
        unaccounted=one.unaccounted + later.unaccounted,
        at_least=one.at_least or later.at_least,
        since_utc_ns=min(one.since_utc_ns, later.since_utc_ns),
        noticed_utc_ns=min(one.noticed_utc_ns, later.noticed_utc_ns),
        until_utc_ns=max(one.until_utc_ns, later.until_utc_ns),
    )


def _sum(steps: list[_Step]) -> Loss:
    whole = steps[0].loss
    for step in steps[1:]:
        whole = together(whole, step.loss)
    # What arrived after all may have been unaccounted before the span began.
    return structs.replace(whole, unaccounted=max(0, whole.unaccounted))
