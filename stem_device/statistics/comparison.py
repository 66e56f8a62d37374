"""What became better or worse between two recordings, and how sure that is. Needs the extra "statistics"."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from stem_device.errors import NoPollError
from stem_device.reading import Recording
from stem_device.statistics.batches import Batches, Loss, Rates
from stem_device.statistics.bursts import PERIODS, Bursts, too_short
from stem_device.statistics.comparison_results import (
    LOSSES,
    SCHEMA,
    SCHEMA_VERSION,
    SURE_BELOW,
    WORSE_IF_HIGHER,
    Change,
    Comparison,
    Kind,
    Side,
    Subject,
    Verdict,
)
from stem_device.statistics.pairing import paired, short_names
from stem_device.statistics.polls import Floats
from stem_device.statistics.sentences import sentence
from stem_device.statistics.significance import (
    Evidence,
    adjusted,
    compare_shares,
    compare_values,
    import_stats,
)


@dataclass(frozen=True, slots=True)
class _Both:
    """What is compared of A and of B, under names that both have in common."""

    a: Loss
    b: Loss
    rates_a: Rates
    rates_b: Rates
    timings_a: dict[tuple[str, str, str], Floats]
    timings_b: dict[tuple[str, str, str], Floats]
    telemetry_a: dict[tuple[str, str, str], Floats]
    telemetry_b: dict[tuple[str, str, str], Floats]


def compare(a: Recording, b: Recording) -> Comparison:
    """Compare two recordings, or two selections of one.

    The same recordings give the same answer: random numbers are seeded. Raises RecordingError where a file
    cannot be read, NoPollError where no poll is in one of them, MissingExtraError without scipy.
    """
    import_stats()
    _check_polls(a, "A")
    _check_polls(b, "B")
    pieces_a, pieces_b = Batches(a), Batches(b)
    short = short_names(a, b)
    both = _Both(
        pieces_a.loss().renamed(short),
        pieces_b.loss().renamed(short),
        pieces_a.rates().renamed(short),
        pieces_b.rates().renamed(short),
        _renamed(pieces_a.timings(), short),
        _renamed(pieces_b.timings(), short),
        pieces_a.telemetry(),
        pieces_b.telemetry(),
    )
    bursts = pieces_a.bursts(), pieces_b.bursts()
    caveats = tuple(_caveats(*bursts))
    overall = _judged([*_overall_losses(both), *_overall_rates(both), *_timings(both, single=False)])
    # Each kind is a family of its own: many latencies must not hide a loss.
    losses = [_judged(family) for family in _single_losses(both)]
    if caveats:
        overall, losses = _untold(overall), [_untold(family) for family in losses]
    rates = _judged([*_single_rates(both)])
    timings = _by_kind(_timings(both, single=True)) + _by_kind(_telemetry(both))
    only_a, only_b = set(both.a.subjects), set(both.b.subjects)
    return Comparison(
        schema=SCHEMA,
        version=SCHEMA_VERSION,
        a=_side(a, pieces_a, both.a, bursts[0]),
        b=_side(b, pieces_b, both.b, bursts[1]),
        overall=_worst_first(overall),
        single=_worst_first([change for family in (*losses, rates, *timings) for change in family]),
        only_in_a=tuple(Subject(*subject) for subject in sorted(only_a - only_b)),
        only_in_b=tuple(Subject(*subject) for subject in sorted(only_b - only_a)),
        caveats=caveats,
    )


def _check_polls(recording: Recording, name: str) -> None:
    try:
        recording.check_polls()
    except NoPollError as error:
        raise NoPollError(f"{name}: {error.what}", error.there) from error


def _caveats(a: Bursts, b: Bursts) -> Iterator[str]:
    for name, one, other in (("A", a, b), ("B", b, a)):
        interval = too_short(one, other)
        if not math.isnan(interval):
            yield (
                f"Losses come every {interval:.3g} s, and {name} covers {one.seconds:.3g} s: that is no"
                f" evidence. Record at least {PERIODS * interval:.3g} s, better ten times the interval."
            )


def _untold(changes: list[Change]) -> list[Change]:
    """Losses that cannot be compared, since a recording is shorter than their pattern."""
    return [
        replace(judged, sentence=sentence(judged))
        for change in changes
        for judged in [replace(change, verdict=Verdict.UNKNOWN) if change.kind in LOSSES else change]
    ]


def _renamed(
    timings: dict[tuple[str, str, str], Floats], short: dict[str, str]
) -> dict[tuple[str, str, str], Floats]:
    return {
        (timing, quantile, short.get(server, server)): values
        for (timing, quantile, server), values in timings.items()
    }


def _change(kind: Kind, unit: str, evidence: Evidence, server: str = "", stream: str = "") -> Change:
    return Change(kind, "", server, stream, unit, evidence, math.nan, Verdict.UNKNOWN, "")


def _overall_losses(both: _Both) -> Iterator[Change]:
    for kind, unit, (part_a, whole_a), (part_b, whole_b) in _loss_columns(both.a, both.b):
        sums = [values.sum(axis=0)[None, :] for values in (part_a, whole_a, part_b, whole_b)]
        if kind is Kind.OVERDUE:  # the mean over polls of all subscriptions together
            sums[1], sums[3] = (
                whole_a.max(axis=0, initial=0)[None, :],
                whole_b.max(axis=0, initial=0)[None, :],
            )
        yield _change(kind, unit, compare_shares(*sums)[0])


def _loss_columns(
    a: Loss, b: Loss
) -> Iterator[tuple[Kind, str, tuple[Floats, Floats], tuple[Floats, Floats]]]:
    yield Kind.MISSED, "share", (a.missed, a.expected), (b.missed, b.expected)
    if np.nansum(np.abs(a.unaccounted)) + np.nansum(np.abs(b.unaccounted)):
        yield Kind.UNACCOUNTED, "share", _unaccounted(a), _unaccounted(b)
    yield Kind.OVERDUE, "events", (a.overdue, a.polls), (b.overdue, b.polls)


def _unaccounted(loss: Loss) -> tuple[Floats, Floats]:
    """Part and whole; where nobody knows there is nothing to compare."""
    known = ~np.isnan(loss.unaccounted)
    return np.where(known, loss.unaccounted, 0.0), np.where(known, loss.expected + loss.unaccounted, 0.0)


def _single_losses(both: _Both) -> Iterator[list[Change]]:
    """Only subscriptions that are in both and lost something in one: the others cannot have changed."""
    rows_a, rows_b, subjects = paired(both.a.subjects, both.b.subjects)
    for kind, unit, (part_a, whole_a), (part_b, whole_b) in _loss_columns(both.a, both.b):
        lossy = (part_a[rows_a].sum(axis=1) + part_b[rows_b].sum(axis=1)) > 0
        known = (whole_a[rows_a].sum(axis=1) > 0) & (whole_b[rows_b].sum(axis=1) > 0)
        chosen = np.flatnonzero(lossy & known)
        own_a, own_b = rows_a[chosen], rows_b[chosen]
        found = compare_shares(part_a[own_a], whole_a[own_a], part_b[own_b], whole_b[own_b])
        yield [
            _change(kind, unit, evidence, *subjects[row])
            for row, evidence in zip(chosen.tolist(), found, strict=True)
        ]


def _overall_rates(both: _Both) -> Iterator[Change]:
    a, b = both.rates_a, both.rates_b
    for kind, one, other in (
        (Kind.PUBLISHED, a.published_overall, b.published_overall),
        (Kind.RECEIVED, a.received_overall, b.received_overall),
    ):
        yield _change(kind, "events/s", compare_values(one, other))


def _single_rates(both: _Both) -> Iterator[Change]:
    a, b = both.rates_a, both.rates_b
    rows_a, rows_b, servers = paired(a.servers, b.servers)
    for kind, one, other in (
        (Kind.PUBLISHED, a.published, b.published),
        (Kind.RECEIVED, a.received, b.received),
    ):
        for row_a, row_b, server in zip(rows_a.tolist(), rows_b.tolist(), servers, strict=True):
            if np.nansum(one[row_a]) + np.nansum(other[row_b]) > 0:
                yield _change(kind, "events/s", compare_values(one[row_a], other[row_b]), server)


def _timings(both: _Both, *, single: bool) -> Iterator[Change]:
    for (timing, quantile, server), values in both.timings_a.items():
        others = both.timings_b.get((timing, quantile, server))
        if others is not None and bool(server) is single:
            change = _change(Kind(timing), "us", compare_values(values, others), server)
            yield replace(change, quantile=quantile)


def _telemetry(both: _Both) -> Iterator[Change]:
    """Labels that are in both."""
    for (kind, quantile, label), values in both.telemetry_a.items():
        others = both.telemetry_b.get((kind, quantile, label))
        if others is not None:
            change = _change(Kind(kind), "us", compare_values(values, others))
            yield replace(change, quantile=quantile, label=label)


def _by_kind(changes: Iterator[Change]) -> list[list[Change]]:
    families: dict[Kind, list[Change]] = {}
    for change in changes:
        families.setdefault(change.kind, []).append(change)
    return [_judged(family) for family in families.values()]


def _judged(family: list[Change]) -> list[Change]:
    """With adjusted p values and what follows from them."""
    p_values = adjusted(np.array([change.evidence.p_value for change in family]))
    return [_with_verdict(change, float(p)) for change, p in zip(family, p_values, strict=True)]


def _with_verdict(change: Change, p_value: float) -> Change:
    judged = replace(change, adjusted_p_value=p_value, verdict=_verdict(change, p_value))
    return replace(judged, sentence=sentence(judged))


def _verdict(change: Change, p_value: float) -> Verdict:
    if math.isnan(p_value):
        return Verdict.UNKNOWN
    if p_value >= SURE_BELOW or change.evidence.difference == 0:
        return Verdict.UNSURE
    more = change.evidence.difference > 0
    if change.kind in WORSE_IF_HIGHER:
        return Verdict.WORSE if more else Verdict.BETTER
    return Verdict.MORE if more else Verdict.LESS


def _worst_first(changes: list[Change]) -> tuple[Change, ...]:
    order = list(Verdict)
    kinds = list(Kind)

    def rank(change: Change) -> tuple[int, int, float]:
        p_value = change.evidence.p_value
        return order.index(change.verdict), kinds.index(change.kind), 2.0 if math.isnan(p_value) else p_value

    return tuple(sorted(changes, key=rank))


def _side(recording: Recording, pieces: Batches, loss: Loss, bursts: Bursts) -> Side:
    times = pieces.polls.time_utc_ns
    unaccounted = loss.unaccounted.sum()
    overdue, unknown = pieces.overdue_at_end()
    labels = dict.fromkeys(source.label for source in recording.sources if source.label)
    return Side(
        label=", ".join(labels),
        first_poll_utc_ns=int(times.min()) if len(times) else 0,
        last_poll_utc_ns=int(times.max()) if len(times) else 0,
        polls=len(times),
        pieces=pieces.number,
        missed=int(loss.missed.sum()),
        expected=int(loss.expected.sum()),
        unaccounted=None if np.isnan(unaccounted) else int(unaccounted),
        overdue_at_end=overdue,
        overdue_unknown=unknown,
        seconds=bursts.seconds,
        bursts=bursts.number,
        burst_interval_seconds=bursts.interval_seconds,
    )
