"""How long the monitor's own polls took, by phase."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from stem_device.report.page.contents import own_polls_table, tables
from stem_device.report.page.findings import find
from stem_device.report.page.own_polls import own_polls
from stem_device.report.page.report_data import PHASES, PhaseRows
from tests.unit.report.page_evidence import Story, at

NAN = math.nan
POLLS = (0.0, 10.0, 20.0, 30.0)
SECONDS = {
    "resolve": (0.5, 0.0, 0.0, 0.0),
    "ask": (0.01, 0.02, 0.9, 0.03),
    "parse": (0.001, 0.002, 0.003, 0.004),
    "account": (0.004, 0.003, 0.002, 0.001),
    "record": (NAN, 0.0005, 0.6, 0.0005),  # of the poll before: the second one waited for the disk
    "publish": (NAN, 0.001, 0.002, 0.001),
}


def rows(
    seconds: Mapping[str, tuple[float, ...]], poll: tuple[int, ...], source: tuple[int, ...]
) -> PhaseRows:
    times = np.array([at(10.0 * place) for place in range(len(poll))], dtype=np.int64)
    unknown = (NAN,) * len(poll)
    arrays = {name: np.array(seconds.get(name, unknown), dtype=np.float64) for name in PHASES}
    return PhaseRows(times, np.array(source, dtype=np.int64), np.array(poll, dtype=np.int64), arrays)


def test_each_phase_and_the_poll_that_took_longest() -> None:
    found = own_polls(rows(SECONDS, (1, 2, 3, 4), (0, 0, 0, 0)))
    assert [phase.name for phase in found.phases] == list(PHASES)
    ask, record = found.phases[1], found.phases[4]
    assert (ask.polls, ask.median_seconds, ask.worst_seconds) == (4, 0.025, 0.9)
    assert ask.worst_utc_ns == at(20)
    assert (record.polls, record.worst_seconds, record.worst_utc_ns) == (3, 0.6, at(10))
    assert record.p99_seconds == pytest.approx(np.quantile([0.0005, 0.6, 0.0005], 0.99))
    # The last poll's record and publish are not known, so that its sum is not either.
    assert found.whole is not None
    assert found.whole.polls == 3
    assert found.whole.worst_seconds == pytest.approx(0.9 + 0.003 + 0.002 + 0.0005 + 0.001)
    assert found.whole.worst_utc_ns == at(20)
    assert found.worst[0] == ("ask", 0.9)
    assert [name for name, _ in found.worst] == ["ask", "parse", "account", "publish", "record", "resolve"]


def test_what_the_next_poll_tells_is_taken_from_the_next_of_the_same_monitor_alone() -> None:
    gap = own_polls(rows(SECONDS, (1, 2, 4, 5), (0, 0, 0, 0)))  # the third one is missing
    assert (gap.phases[4].polls, gap.phases[4].worst_seconds) == (2, 0.0005)
    others = own_polls(rows(SECONDS, (1, 2, 3, 4), (0, 0, 1, 1)))
    assert (others.phases[4].polls, others.phases[4].worst_seconds) == (2, 0.0005)


def test_nothing_known_is_no_table_and_what_is_unknown_of_all_is_no_row() -> None:
    nothing = find(Story(polls=POLLS).evidence())
    assert (nothing.own_polls.phases, nothing.own_polls.whole) == ((), None)
    assert "polls" not in {table.name for table in tables(nothing)}
    assert own_polls(rows({}, (), ())).phases == ()
    one = own_polls(rows({name: values[:1] for name, values in SECONDS.items()}, (1,), (0,)))
    assert [phase.name for phase in one.phases] == ["resolve", "ask", "parse", "account"]


def test_the_table() -> None:
    findings = find(Story(polls=POLLS, phases=SECONDS).evidence())
    table = own_polls_table(findings)
    assert [[cell.text for cell in row] for row in table.rows][1] == [
        "ask", "4", "25 ms", "874 ms", "900 ms", "04:00:20",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[-1]][:2] == ["all of them", "3"]
    assert table.order.endswith("took longest: ask 900 ms, parse 3 ms, account 2 ms, publish 1 ms, "
                                "record 500 µs, resolve 0 µs.")  # fmt: skip
    assert "polls" in {table.name for table in tables(findings)}
