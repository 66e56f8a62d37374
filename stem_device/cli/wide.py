"""Tables that lose nothing: on a terminal they fold, in a pipe every row is one line, however long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

PIPE_COLUMNS = 10_000


def wide_console() -> Console:
    """As wide as the terminal; in a pipe as wide as any line may be."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_COLUMNS)


def print_lines(console: Console, parts: Iterable[RenderableType | None]) -> None:
    """Print what there is, with an empty line between the parts, without blanks at the end of lines."""
    for number, part in enumerate(part for part in parts if part is not None):
        if number:
            print()
        if console.is_terminal:
            console.print(part)
            continue
        with console.capture() as capture:
            console.print(part)
        print("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))


def table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    numbers: int,
    hidden: int = 0,
) -> RenderableType:
    """The first ``numbers`` columns stand at the right and do not fold. Nothing in a cell is markup."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold dim")
    for column, heading in enumerate(headings):
        if column < numbers:
            made.add_column(Text(heading), justify="right", no_wrap=True)
        else:
            made.add_column(Text(heading), overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    more = [Text(f"... and {hidden:,} more (--limit 0 shows all)", style="dim")] if hidden > 0 else []
    return Group(Text(title, style="bold"), made, *more)
