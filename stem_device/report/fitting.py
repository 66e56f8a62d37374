"""Tables that fit: names shortened in the middle, columns of less weight left out. Needs the extra "cli"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

LEAST_NAME = 22
"""Columns of a name: rather than less of it, numbers are left out. A device has about as many."""
_GAP = 2
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns: its beginning and its end, which tell names apart."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return _ELLIPSIS[:width]
    end = (width - 1) * 2 // 3  # instances and attributes differ at the end
    begin = width - 1 - end
    while cell_len(text[:begin]) + cell_len(text[-end:]) > width - 1:  # characters that are two columns wide
        end -= 1
    return f"{text[:begin]}{_ELLIPSIS}{text[-end:] if end else ''}"


class Name:
    """A cell with a name: as much of it as the column takes."""

    def __init__(self, text: str, style: str = "") -> None:
        self._text = text
        self._style = style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = cell_len(self._text)
        return Measurement(min(longest, LEAST_NAME), longest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(middle(self._text, options.max_width), style=self._style, no_wrap=True)


class Fitted:
    """A table as wide as the terminal: one line a row.

    ``names`` are the columns that may be shortened, which stand at the left side; the others stand at the
    right side, and where all do not fit, the last ones that are not to ``keep`` are left out, and told.
    """

    def __init__(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        *,
        names: Sequence[int],
        keep: Sequence[int] = (),
    ) -> None:
        self._headings = headings
        self._rows = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
        self._names = frozenset(names)
        self._keep = frozenset(keep)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [
            max([cell_len(heading), *(cell_len(row[column].plain) for row in self._rows)])
            for column, heading in enumerate(self._headings)
        ]
        shown = self._fitting(widths, options.max_width)
        yield from self._lines(shown, self._granted(widths, shown, options.max_width))
        left_out = [self._headings[column] for column in range(len(widths)) if column not in shown]
        if left_out:
            yield Text(f"(no room for {', '.join(left_out)})", style="dim")

    def _fitting(self, widths: Sequence[int], room: int) -> list[int]:
        shown = [*range(len(widths))]
        while self._least(widths, shown) > room:
            droppable = [one for one in shown if one not in self._names and one not in self._keep]
            if not droppable:
                break
            shown.remove(droppable[-1])
        return shown

    def _least(self, widths: Sequence[int], shown: Sequence[int]) -> int:
        least = (min(widths[one], LEAST_NAME) if one in self._names else widths[one] for one in shown)
        return sum(least) + _GAP * (len(shown) - 1)

    def _granted(self, widths: Sequence[int], shown: Sequence[int], room: int) -> dict[int, int]:
        """The widths of the shown columns: names share what the others leave, short ones take less."""
        granted = {one: widths[one] for one in shown}
        left = room - _GAP * (len(shown) - 1) - sum(widths[one] for one in shown if one not in self._names)
        names = sorted((one for one in shown if one in self._names), key=lambda one: widths[one])
        for number, one in enumerate(names):
            granted[one] = max(1, min(widths[one], left // (len(names) - number)))
            left -= granted[one]
        return granted

    def _lines(self, shown: Sequence[int], widths: dict[int, int]) -> Iterator[Text]:
        """Not a ``Table`` of rich: its versions differ in the room that they take from a column."""
        headings = [Text(middle(heading, widths.get(one, 0))) for one, heading in enumerate(self._headings)]
        for style, row in [("bold dim", headings), *(("", row) for row in self._rows)]:
            cells = [self._cell(row[one], one, widths[one]) for one in shown]
            yield Text(" " * _GAP, style=style, no_wrap=True).join(cells)

    def _cell(self, cell: Text, column: int, width: int) -> Text:
        named = column in self._names
        short = middle(cell.plain, width) if named else cell.plain
        padded = cell.copy() if short == cell.plain else Text(short, style=cell.style)
        room = max(0, width - cell_len(short))
        if named:
            padded.pad_right(room)
        else:
            padded.pad_left(room)
        return padded
