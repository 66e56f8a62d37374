"""From one mark of a run to another: ``results reported - requested``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.errors import OptionError
from stem_device.runs.marks import NONE, Codes, Flags, Floats, Integers, Names, OrderedMarks, code_of
from stem_device.runs.moments import Moments, moments
from stem_device.runs.pairs import pairs_of
from stem_device.runs.source import Tables, runs_of
from stem_device.runs.table import RunTable

MINUS = " - "


@dataclass(frozen=True, slots=True)
class Durations:
    """n durations between two marks, in the order of run and time.

    ``run`` is the number of the run, ``iteration`` -1 where the pair was not made by iterations.
    ``unpaired_earlier`` and ``unpaired_later`` count the marks, by run, that have no partner.
    """

    earlier: str
    later: str
    run: Integers
    run_id: Names
    iteration: Integers
    begin_utc_ns: Integers
    seconds: Floats
    unpaired_earlier: Integers
    unpaired_later: Integers

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def moments(self) -> Moments:
        """Count, minimum, maximum, mean and standard deviation."""
        return moments(self.seconds)


def durations(runs: RunTable | Tables, later: str, earlier: str | None = None) -> Durations:
    """The time from every ``earlier`` to its ``later``; or ``later`` is the expression ``"B - A"``.

    ``runs`` is a recording or its RunTable. The rule (docs/reference/runs.md): where both marks carry
    iteration numbers in a run, they pair within each iteration, otherwise within the run. Where there is one
    of each they are a pair, whatever their order; where there are more, each ``earlier`` pairs with the first
    ``later`` after it and before the next ``earlier``.

    Raises OptionError if the expression is none, or no mark has one of the names.
    """
    table = runs_of(runs)
    if earlier is None:
        later, earlier = _parse(later, table)
    marks = table.marks
    codes = [_known(name, table) for name in (later, earlier)]
    at = np.flatnonzero(np.isin(marks.name, codes))
    is_later = marks.name[at] == codes[0]
    key, iteration = _keys(marks, at, is_later)
    # Of two marks of one moment the earlier one comes first. The order within a key is by time else.
    by_key = np.lexsort((is_later, marks.emitted_utc_ns[at], key))
    at, is_later, key, iteration = at[by_key], is_later[by_key], key[by_key], iteration[by_key]
    begin, end = _pairs(is_later, key)
    run, number = marks.run[at], len(table)
    paired = np.bincount(run[begin], minlength=number)
    return Durations(
        earlier=earlier,
        later=later,
        run=run[begin],
        run_id=table.ids[run[begin]],
        iteration=iteration[begin],
        begin_utc_ns=marks.emitted_utc_ns[at[begin]],
        seconds=(marks.emitted_utc_ns[at[end]] - marks.emitted_utc_ns[at[begin]]) / 1e9,
        unpaired_earlier=np.bincount(run[~is_later], minlength=number) - paired,
        unpaired_later=np.bincount(run[is_later], minlength=number) - paired,
    )


def mark_names(table: RunTable) -> tuple[str, ...]:
    """The names of all marks, sorted."""
    return tuple(sorted(str(name) for name in table.names[np.unique(table.marks.name)]))


def _parse(expression: str, table: RunTable) -> tuple[str, str]:
    """``"B - A"`` -> (B, A). Names may hold `` - `` themselves: what both sides are marks of counts."""
    parts = expression.split(MINUS)
    splits = [(MINUS.join(parts[:i]).strip(), MINUS.join(parts[i:]).strip()) for i in range(1, len(parts))]
    if not splits:
        raise OptionError("duration", expression, "must be of the form 'LATER - EARLIER'")
    known = set(mark_names(table))
    return next((split for split in splits if known.issuperset(split)), splits[0])


def _known(name: str, table: RunTable) -> int:
    code = code_of(name, table.marks.name, table.names)
    if code < 0:
        names = ", ".join(map(repr, mark_names(table))) or "none at all"
        raise OptionError("duration", name, f"no mark has this name; there are {names}")
    return code


def _keys(marks: OrderedMarks, at: Integers, is_later: Flags) -> tuple[Integers, Integers]:
    """A number for every group of marks within which pairs are made, and the iteration to tell, or -1."""
    run, iteration = marks.run[at], marks.iteration[at]
    numbered = iteration != NONE
    runs = len(marks.run_code)
    by_iteration = np.ones(runs, dtype=bool)
    for side in (is_later, ~is_later):
        by_iteration &= np.bincount(run[side & numbered], minlength=runs) > 0
    told = np.where(by_iteration[run], iteration, NONE)
    return pairs_of(run, told).of, told


def _pairs(is_later: Flags, key: Integers) -> tuple[Integers, Integers]:
    """Positions of the two sides of each pair, in marks sorted by key and time."""
    laters, all_of = np.bincount(key, weights=is_later), np.bincount(key)
    single = ((laters == 1) & (all_of == 2))[key]
    follows = np.zeros(len(key), dtype=bool)
    follows[:-1] = (key[1:] == key[:-1]) & ((~is_later[:-1] & is_later[1:]) | single[:-1])
    first = np.flatnonzero(follows)
    swapped = is_later[first]
    return np.where(swapped, first + 1, first), np.where(swapped, first, first + 1)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """How often marks occur: one row a run and name."""

    run: Integers
    name: Codes
    count: Integers


def occurrences(runs: RunTable | Tables) -> Occurrences:
    """Count the marks of every run by name."""
    table = runs_of(runs)
    pairs = pairs_of(table.marks.run, table.marks.name)
    return Occurrences(run=pairs.first, name=pairs.second, count=pairs.count)
