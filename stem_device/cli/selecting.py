"""What to look at of a recording and how much of it to show, as options of several subcommands say it."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.errors import OptionError

Servers = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="PATTERN", help="Only these servers, by admin device. May be repeated."),
]
Streams = Annotated[
    list[str] | None,
    typer.Option("--stream", metavar="PATTERN", help="Only these streams. May be repeated."),
]
Top = Annotated[int, typer.Option("--top", "-n", min=0, metavar="N", help="Rows of a table; 0: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")]


def parse_span(option: str, text: str) -> tuple[str | None, str | None]:
    """``START/END`` -> the two texts; one of them may be empty. Raises OptionError."""
    start, slash, end = text.partition("/")
    if not slash or not (start.strip() or end.strip()):
        raise OptionError(option, text, "must be START/END, two times with a slash between them")
    return start.strip() or None, end.strip() or None
