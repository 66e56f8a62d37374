"""Tables: numbers that can be sorted, text that is escaped, rows that are bounded."""

from __future__ import annotations

import math
import re

import pytest

from stem_device.report.page import limits
from stem_device.report.page.contents import runs_table, servers_table, subscriptions_table
from stem_device.report.page.findings import find
from stem_device.report.page.tables import Cell, TableOfCells, number, table_html
from tests.unit.report.page_evidence import lossy_story


def test_numbers_carry_what_they_are_sorted_by() -> None:
    html = table_html(TableOfCells("t", "T", ("a", "b"), ((Cell("x"), number(1234567)),)))
    assert '<td class="n" data-v="1234567">1,234,567</td>' in html
    assert '<th scope="col" aria-sort="none"><button type="button">a</button></th>' in html
    assert '<th scope="col" class="n" aria-sort="none">' in html


def test_unknown_numbers_sort_below_all_others() -> None:
    assert number(math.nan) == Cell("-", -1.0)


def test_text_is_escaped_in_heads_and_cells() -> None:
    html = table_html(TableOfCells("t", "T", ("<i>",), ((Cell("</td><script>x</script>"),),)))
    assert set(re.findall(r"<(\w+)", html)) == {
        "style", "div", "table", "thead", "tr", "th", "button", "tbody", "td",
    }  # fmt: skip
    assert '--column:"\\3c i\\3e "' in html


def test_subscriptions() -> None:
    table = subscriptions_table(find(lossy_story().evidence()))
    assert [cell.text for cell in table.rows[0]] == [
        "sub/slow",
        "demo/pub/1/wave.change",
        "pub/fast",
        "10",
        "0",
        "3.33 %",
        "2",
        "4",
        "290",
        "9.67/s",
        "04:00:00",
        "04:00:30",
        "",
    ]
    assert [cell.text for cell in table.rows[1]][3:8] == ["0", "0", "0 %", "0", "0"]


def test_servers_and_runs() -> None:
    findings = find(lossy_story().evidence())
    assert [cell.text for cell in servers_table(findings).rows[0]] == [
        "sub/slow", "10", "290", "0", "0 of 4", "415 µs", "430 µs", "40 µs", "-", "20",
    ]  # fmt: skip
    assert [cell.text for cell in runs_table(findings).rows[0]] == [
        "nightly-1", "04:00:05", "20 s", "2", "ended", "7", "10",
    ]  # fmt: skip


def test_of_a_server_that_never_answered_no_count_is_known() -> None:
    story = lossy_story()
    story.answers = [
        *story.answers,
        *((time, "dserver/x/dead", "unreachable", "", 0, 0) for time in story.polls),
    ]
    rows = {row[0].text: row for row in servers_table(find(story.evidence())).rows}
    assert [cell.text for cell in rows["x/dead"]][1:5] == ["-", "-", "-", "4 of 4"]
    assert [cell.text for cell in rows["sub/quick"]][1:5] == ["0", "300", "0", "0 of 4"]


def test_rows_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TABLE_ROWS", 1)
    table = subscriptions_table(find(lossy_story().evidence()))
    assert (len(table.rows), table.left_out) == (1, 1)
    assert "1 further rows are left out." in table_html(table)


def test_times_have_a_date_where_there_are_several_days() -> None:
    story = lossy_story()
    story.polls = (0.0, 10.0, 20.0, 100_000.0)
    row = subscriptions_table(find(story.evidence())).rows[0]
    assert row[10].text == "2026-11-22 04:00:00"
