"""The tables of the page: rows of plain values, written as HTML that a small script sorts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stem_device.report.page.text import in_html

UNBROKEN = 42
"""Characters that stay on one line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, and the number that it is sorted by; None sorts by the text."""

    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class TableOfCells:
    """One table. ``left_out`` counts rows that are not in it; ``order`` says how the rows come."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    order: str = ""
    left_out: int = 0


def number(value: float, text: str | None = None) -> Cell:
    """A number, shown as ``text`` or with separators; NaN is shown as a dash and sorts last."""
    if math.isnan(value):
        return Cell("-", -1.0)
    return Cell(f"{value:,}" if text is None else text, float(value))


def table_html(table: TableOfCells) -> str:
    """The table; all text in it is escaped."""
    numeric = [any(row[i].number is not None for row in table.rows) for i in range(len(table.columns))]
    head = "".join(_head(title, is_number) for title, is_number in zip(table.columns, numeric, strict=True))
    body = "\n".join(f"<tr>{_cells(row)}</tr>" for row in table.rows)
    return (
        f"<style>{_labels(table)}</style>"
        f'<div class="scroll"><table id="table-{table.name}"><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>{_note(table)}"
    )


def _labels(table: TableOfCells) -> str:
    """The names of the columns, once and not in every row; page.css shows them on a narrow screen alone."""
    return "".join(
        f'#table-{table.name} td:nth-child({place}){{--column:"{_in_style(title)}"}}'
        for place, title in enumerate(table.columns, 1)
    )


def _in_style(text: str) -> str:
    """``text`` as CSS has it between quotes; no tag of HTML can come of it."""
    return "".join(one if one.isalnum() or one == " " else f"\\{ord(one):x} " for one in text)


def _head(title: str, is_number: bool) -> str:
    kind = ' class="n"' if is_number else ""
    return f'<th scope="col"{kind} aria-sort="none"><button type="button">{in_html(title)}</button></th>'


def _cells(row: Sequence[Cell]) -> str:
    return "".join(_cell(cell) for cell in row)


def _cell(cell: Cell) -> str:
    if cell.number is None:
        kind = "" if len(cell.text) > UNBROKEN else ' class="t"'
        return f"<td{kind}>{in_html(cell.text)}</td>"
    return f'<td class="n" data-v="{cell.number:.12g}">{in_html(cell.text)}</td>'


def _note(table: TableOfCells) -> str:
    sentences: Iterable[str] = (
        table.order,
        f"{table.left_out:,} further rows are left out." if table.left_out else "",
        "On paper: the first 50 rows." if len(table.rows) > 50 else "",
    )
    text = " ".join(sentence for sentence in sentences if sentence)
    return f'<p class="caption">{in_html(text)}</p>' if text else ""
