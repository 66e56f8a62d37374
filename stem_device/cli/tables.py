"""Tables: on a terminal they fit its width, in a pipe they lose nothing, however long a line gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from stem_device.report.fitting import Fitted

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
    keep: Sequence[int] = (0,),
) -> RenderableType:
    """The first ``numbers`` columns are numbers, the most important first, the others names.

    On a narrow terminal the last numbers are left out that are not to ``keep``. Nothing in a cell is markup.
    """
    made = Fitted(headings, rows, names=range(numbers, len(headings)), keep=keep)
    more = [Text(f"... and {hidden:,} more (--limit 0 shows all)", style="dim")] if hidden > 0 else []
    return Group(Text(title, style="bold"), made, *more)
