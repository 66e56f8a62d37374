"""What to look at of a recording and how much of it to show, as options of several subcommands say it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stem_device.cli.exit_codes import FailOn
from stem_device.errors import OptionError

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="A recording; several files are read as one.", show_default=False),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="TIME",
        help="Only polls from then on: ISO 8601 (UTC), with a zone (2026-11-22T05:15 Europe/Berlin, local), "
        "or -1h30m: before the last poll, +10m: after the first.",
        show_default=False,
    ),
]
End = Annotated[
    str | None, typer.Option("--end", metavar="TIME", help="Only polls before then.", show_default=False)
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Only from the first to the last mark of this run.",
        show_default=False,
    ),
]
Servers = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        metavar="PATTERN",
        help="Only these servers, by admin device. May be repeated.",
        show_default=False,
    ),
]
Streams = Annotated[
    list[str] | None,
    typer.Option(
        "--stream", metavar="PATTERN", help="Only these streams. May be repeated.", show_default=False
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="Rows of a table; 0: all.")]
FailOnVerdict = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        metavar="LEVEL",
        help="End with an exit code if the verdict is so or worse: lost (7), waiting (8), unknown (9).",
        show_default=False,
    ),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", "-t", min=0.01, metavar="SECONDS", help="How long each server may take."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")]


def chosen(
    start: str | None, end: str | None, server: list[str] | None, stream: list[str] | None, run: str | None
) -> dict[str, Any]:
    """What the options say, as ``Recording.select`` takes it; None for what was not said."""
    return {"start": start, "end": end, "servers": server or None, "streams": stream or None, "run": run}


def files_of(path: Path) -> list[Path]:
    """The files of one recording: all ``*.h5`` of a directory, what matches a pattern, or the file itself.

    As in a shell a pattern means hidden files only if it begins with a dot: a writer that was killed may have
    left one. Raises OptionError where there are none.
    """
    if path.is_dir():
        folder, pattern = path, "*.h5"
    elif path.exists() or not set("*?[") & set(path.name):
        return [path]
    else:
        folder, pattern = path.parent, path.name
    found = sorted(one for one in folder.glob(pattern) if pattern[0] == "." or one.name[0] != ".")
    if not found:
        raise OptionError(
            "FILE",
            str(path),
            "there is no recording: name a file, a directory of *.h5, or a pattern",
        )
    return found


def parse_span(option: str, text: str) -> tuple[str | None, str | None]:
    """``START/END`` -> the two texts; one of them may be empty. Raises OptionError."""
    start, slash, end = text.partition("/")
    if not slash or not (start.strip() or end.strip()):
        raise OptionError(option, text, "must be START/END, two times with a slash between them")
    return start.strip() or None, end.strip() or None
