"""Which polls can be kept, and which rows of the other tables are theirs.

A poll is kept if all of its counters can be read: its rows of polls, servers, streams and
subscriptions. Of every other table it keeps all of its rows or none. So a number that is there is true.
Only what says that it is unknown may be missing: a float (NaN) and the text of a name (a stand-in). A
column of which nothing at all can be read is left out of this judgement, and filled with -1: nobody takes
that for a measurement.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from stem_device.model.mark import MarkKind
from stem_device.model.poll import ServerState
from stem_device.reading.recovery.journal import Journal
from stem_device.reading.validation.columns import Chunk, StoredColumn, Values
from stem_device.reading.validation.scan import UnifiedNames
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table, bounds_of

_TOTALS = tuple(column.name for column in spec.POLLS.columns if column.name.endswith("_total"))
_MOMENTS = ("poll", "time_utc_ns", "monotonic_ns")
_MAX_POLLS = 1 << 30
COUNTERS = (spec.POLLS, spec.SERVERS, spec.STREAMS, spec.SUBSCRIPTIONS)
"""Tables of which a poll must have everything."""


@dataclass
class Plan:
    """Rows to copy. ``keep`` has a flag for each poll there was; ``begins`` and ``ends`` its rows by table.

    ``without`` has the polls that keep no rows of a table. ``lost`` are columns of which nothing can be read;
    ``names`` is how many rows ``names`` has.
    """

    polls: int
    keep: Values
    begins: dict[str, Values] = field(default_factory=dict)
    ends: dict[str, Values] = field(default_factory=dict)
    without: dict[str, Values] = field(default_factory=dict)
    marks: Values = field(default_factory=lambda: np.zeros(0, bool))
    lost: set[str] = field(default_factory=set)
    names: int = 0

    def rows(self, table: Table) -> Values:
        """One flag for each row of a table up to the last one that is kept."""
        if table is spec.POLLS:
            return self.keep
        if table is spec.MARKS:
            return self.marks
        whole = self.keep & ~self.without[table.name]
        begins, ends = self.begins[table.name][whole], self.ends[table.name][whole]
        edges = np.zeros(int(ends.max(initial=0)) + 1, np.int64)
        np.add.at(edges, begins, 1)
        np.add.at(edges, ends, -1)
        return np.asarray(np.cumsum(edges)[:-1] > 0)

    def rows_a_poll(self, table: Table) -> Values:
        """How many rows of a table each poll keeps that is kept."""
        rows = np.where(self.without[table.name], 0, self.ends[table.name] - self.begins[table.name])
        return np.asarray(rows[self.keep])

    def exclude(self, table: Table, polls: Values) -> None:
        """These polls cannot have their rows of a table; counters they cannot do without."""
        if table in COUNTERS:
            self.keep &= ~polls
        else:
            self.without[table.name] |= polls


class Planner:
    """Reads everything once, and finds out what of it is good."""

    def __init__(self, file: StoredFile, journal: Journal) -> None:
        self._file = file
        self._journal = journal
        self._states: dict[int, bool] = {}

    def plan(self) -> Plan:
        """Raises ValueError if there are no polls at all."""
        polls = self._poll_count()
        plan = Plan(polls, np.ones(polls, bool), names=self._name_count())
        self._find_lost(plan)
        if all(path_of(spec.POLLS, name) in plan.lost for name in _MOMENTS):
            plan.keep[:] = False  # nobody could tell when any of it was
        for table in spec.ROW_TABLES:
            self._find_spans(plan, table)
        self._judge_columns(plan, spec.POLLS)
        for table in spec.ROW_TABLES:
            self._judge_columns(plan, table)
        self._judge_order(plan)
        self._judge_servers(plan)
        plan.marks = self._good_marks(plan)
        return plan

    def _poll_count(self) -> int:
        """What most columns have: the length of one may be damaged."""
        rows = sorted(
            column.rows
            for one in self._file.columns_of(spec.POLLS)
            if (column := self._column(spec.POLLS, one.name)) is not None
        )
        if not rows:
            raise ValueError("not one column of polls can be found")
        usual = rows[len(rows) // 2]
        shortest = rows[0]
        # The poll that was being written when its writer died was never complete.
        return min(shortest if usual - shortest == 1 else usual, _MAX_POLLS)

    def _name_count(self) -> int:
        column = self._column(spec.NAMES, "text")
        return column.rows if column is not None else 0

    def _column(self, table: Table, name: str) -> StoredColumn | None:
        self._journal.doing(path_of(table, name))
        return None if self._journal.deadly(path_of(table, name)) else self._file.column(table, name)

    def _find_lost(self, plan: Plan) -> None:
        for table in self._file.tables:
            for one in self._file.columns_of(table):
                column = self._column(table, one.name)
                if column is None or (column.rows and all(c.values is None for c in column.chunks())):
                    plan.lost.add(path_of(table, one.name))
                    why = self._file.oversize.get(path_of(table, one.name), "")
                    self._journal.lose(
                        path_of(table, one.name), f"the whole column is lost{why and ': '}{why}"
                    )

    def _find_spans(self, plan: Plan, table: Table) -> None:
        """Where the rows of each poll are: from the ends, where these are damaged from the numbers."""
        plan.without[table.name] = np.zeros(plan.polls, bool)
        plan.begins[table.name] = plan.ends[table.name] = np.zeros(plan.polls, np.int64)
        if table not in self._file.tables:
            return
        if any(path_of(*place) in plan.lost for place in _essential(table)):
            self._journal.lose(path_of(table), "all rows, since it is not known whose they are")
            return
        ends, known = self._values(plan, spec.POLLS, f"{table.name}_end")
        longest = self._longest(table)
        known &= (ends >= 0) & (ends <= longest)
        known &= _rising(ends, known)
        begins = np.concatenate([[0], ends[:-1]])
        begun = np.concatenate([[True], known[:-1]])
        if not (known.all() and begun.all()):
            self._find_by_number(plan, table, ends, known)
            begun = np.concatenate([[True], known[:-1]])
            begins = np.concatenate([[0], ends[:-1]])
        plan.keep &= known & begun & (begins <= ends)
        plan.begins[table.name], plan.ends[table.name] = (
            np.where(plan.keep, begins, 0),
            np.where(plan.keep, ends, 0),
        )

    def _find_by_number(self, plan: Plan, table: Table, ends: Values, known: Values) -> None:
        """Fill unknown ends in: the rows of a table tell the polls that they belong to."""
        numbers, sure = self._values(plan, spec.POLLS, "poll")
        column = self._column(table, "poll")
        of_rows = column.read(0, column.rows) if column is not None else None
        if of_rows is None or (np.diff(of_rows) < 0).any():
            return
        found = np.searchsorted(of_rows, numbers, side="right")
        ends[~known & sure] = found[~known & sure]
        known |= sure

    def _longest(self, table: Table) -> int:
        found = [self._column(table, one.name) for one in self._file.columns_of(table)]
        return max((column.rows for column in found if column is not None), default=0)

    def _values(self, plan: Plan, table: Table, name: str) -> tuple[Values, Values]:
        """A column of polls, and which rows of it are known."""
        values, known = np.full(plan.polls, -1, np.int64), np.zeros(plan.polls, bool)
        column = self._column(table, name)
        for chunk in column.chunks(0, plan.polls) if column is not None else ():
            if chunk.values is not None:
                rows = slice(chunk.first, min(chunk.first + chunk.rows, plan.polls))
                values[rows] = chunk.values[: rows.stop - rows.start]
                known[rows] = True
        return values, known

    def _judge_columns(self, plan: Plan, table: Table) -> None:
        for one in self._file.columns_of(table):
            path = path_of(table, one.name)
            if (
                path in plan.lost
                or one.kind is Kind.FLOAT
                or (one.name == "poll" and table is not spec.POLLS)
            ):
                continue
            if table is spec.POLLS and one.name.endswith("_end"):
                continue
            for first, rows in self._bad_rows(plan, table, one):
                self._drop(plan, table, first, rows)

    def _bad_rows(self, plan: Plan, table: Table, one: Column) -> Iterator[tuple[int, int]]:
        """Spans of rows whose values cannot be read, or cannot be true."""
        column = self._column(table, one.name)
        if column is None:
            return
        needed = plan.polls if table is spec.POLLS else int(plan.ends[table.name].max(initial=0))
        is_bad = self._test(plan, table, one)
        for chunk in column.chunks(0, needed):
            rows = min(chunk.rows, needed - chunk.first)
            if chunk.values is None:
                self._journal.lose_chunk(path_of(table, one.name), chunk)
                yield chunk.first, rows
                continue
            for row in np.flatnonzero(is_bad(chunk.values[:rows])):
                self._journal.lose(path_of(table, one.name), "values that cannot be true")
                yield chunk.first + int(row), 1
        if column.rows < needed:
            self._journal.lose(
                path_of(table, one.name), f"{needed - column.rows} rows are missing at its end"
            )
            yield column.rows, needed - column.rows

    def _test(self, plan: Plan, table: Table, one: Column) -> Callable[[Values], Values]:
        lowest = -1 if one.nullable else 0
        if one.kind is Kind.FLAG:
            return lambda values: values > 1
        if one.kind is Kind.NAME:
            is_state = one.name == "state" and table is spec.SERVERS
            return lambda codes: (
                (codes < lowest) | (codes >= plan.names) | (is_state and self._no_states(codes))
            )
        least, most = bounds_of(one)
        if not one.signed and (one.units or one.nullable):
            least = lowest
        return lambda values: ((values < least) | (values > most)) & (values != one.missing)

    def _no_states(self, codes: Values) -> Values:
        return np.array([not self._is_one_of(int(code), set(ServerState)) for code in codes])

    def _is_one_of(self, code: int, allowed: set[str]) -> bool:
        """An unreadable name may be any."""
        if code not in self._states:
            (text,) = self._file.texts_of(np.array([code])) if code >= 0 else (None,)
            self._states[code] = text is None or text in allowed
        return self._states[code]

    def _drop(self, plan: Plan, table: Table, first: int, rows: int) -> None:
        polls = np.zeros(plan.polls, bool)
        if table is spec.POLLS:
            polls[first : first + rows] = True
        else:
            polls = (plan.begins[table.name] < first + rows) & (plan.ends[table.name] > first)
        plan.exclude(table, polls)

    def _judge_order(self, plan: Plan) -> None:
        """Numbers and clocks that rise, totals that do not fall; of the others the fewest possible go."""
        for name, strictly in (("poll", True), ("monotonic_ns", False)):
            values, _ = self._values(plan, spec.POLLS, name)
            if path_of(spec.POLLS, name) not in plan.lost:
                plan.keep &= _rising(values, plan.keep, strictly=strictly)
        since, _ = self._values(plan, spec.POLLS, "monitoring_since_utc_ns")
        for name in _TOTALS:
            values, _ = self._values(plan, spec.POLLS, name)
            if name != "overruns_total" and path_of(spec.POLLS, name) not in plan.lost:
                for period in np.unique(since[plan.keep]):
                    same = plan.keep & (since == period)
                    plan.keep &= ~same | _rising(values, same)

    def _judge_servers(self, plan: Plan) -> None:
        """Rows of a server that its poll does not have cannot be true."""
        unified = UnifiedNames(self._file)
        size = unified.rows + 1
        polls, codes = self._owners_and_servers(plan, spec.SERVERS)
        known = polls * size + unified(codes)
        for table in spec.ROW_TABLES:
            if table is not spec.SERVERS and any(one.name == "server" for one in table.columns):
                polls, codes = self._owners_and_servers(plan, table)
                strange = np.zeros(plan.polls, bool)
                strange[polls[~np.isin(polls * size + unified(codes), known)]] = True
                if (strange & plan.keep).any():
                    self._journal.lose(path_of(table, "server"), "servers that their polls do not have")
                plan.exclude(table, strange)

    def _owners_and_servers(self, plan: Plan, table: Table) -> tuple[Values, Values]:
        """Poll and row of ``names`` of each row that is kept so far."""
        whole = np.flatnonzero(plan.keep & ~plan.without[table.name])
        begins, ends = plan.begins[table.name][whole], plan.ends[table.name][whole]
        rows = ends - begins
        numbers = np.arange(int(rows.sum())) + np.repeat(begins - np.cumsum(rows) + rows, rows)
        codes = np.full(int(ends.max(initial=0)), -1, np.int32)
        column = self._column(table, "server")
        for chunk in column.chunks(0, len(codes)) if column is not None else ():
            if chunk.values is not None:
                part = codes[chunk.first : chunk.first + chunk.rows]
                part[:] = chunk.values[: len(part)]
        return np.repeat(whole, rows), codes[numbers]

    def _good_marks(self, plan: Plan) -> Values:
        if spec.MARKS not in self._file.tables:
            return np.zeros(0, bool)
        rows = self._file.shortest(spec.MARKS)
        good = np.ones(rows, bool)
        for one in self._file.columns_of(spec.MARKS):
            column = self._column(spec.MARKS, one.name)
            if column is None or path_of(spec.MARKS, one.name) in plan.lost:
                good &= one.nullable
                continue
            for chunk in column.chunks(0, rows):
                good[chunk.first : chunk.first + chunk.rows] &= self._good_of_mark(plan, one, chunk)[
                    : rows - chunk.first
                ]
        return good

    def _good_of_mark(self, plan: Plan, one: Column, chunk: Chunk) -> Values:
        if chunk.values is None:
            self._journal.lose_chunk(path_of(spec.MARKS, one.name), chunk)
            return np.zeros(chunk.rows, bool)
        bad = self._test(plan, spec.MARKS, one)(chunk.values)
        if one.name == "kind":
            kinds = self._file.texts_of(np.clip(chunk.values, 0, max(plan.names - 1, 0)))
            bad = bad | np.array([text not in set(MarkKind) for text in kinds], bool)
        return np.asarray(~bad)


def _essential(table: Table) -> Iterator[tuple[Table, str]]:
    """Columns without which rows of ``table`` mean nothing."""
    names = [column for column in table.columns if column.kind is Kind.NAME and not column.nullable]
    needed = {"server", "state"} if table in COUNTERS else {column.name for column in names}
    for column in names:
        if column.name in needed:
            yield table, column.name
        if column.name == "server":
            yield spec.SERVERS, "server"


def _rising(values: Values, candidates: Values, *, strictly: bool = False) -> Values:
    """The candidates of the longest rising sequence among them: what is left when the fewest go."""
    rows = np.flatnonzero(candidates)
    kept = np.zeros(len(values), bool)
    if not len(rows):
        return kept
    steps = np.diff(values[rows])
    if (steps > 0).all() if strictly else (steps >= 0).all():
        kept[rows] = True
        return kept
    place = bisect_left if strictly else bisect_right
    lowest: list[int] = []
    row_at: list[int] = []
    before = np.full(len(values), -1)
    for row in rows:
        length = place(lowest, int(values[row]))
        lowest[length : length + 1] = [int(values[row])]
        row_at[length : length + 1] = [int(row)]
        before[row] = row_at[length - 1] if length else -1
    last = row_at[-1]
    while last >= 0:
        kept[last] = True
        last = int(before[last])
    return kept
