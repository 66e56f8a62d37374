"""The subcommands, put together."""

from __future__ import annotations

import inspect
import os
import re
from importlib.metadata import version
from typing import Annotated

import typer

from stem_device.cli import (
    check,
    compare,
    demo,
    export,
    import_,
    mark,
    monitor,
    recover,
    register,
    report,
    runs,
    stats,
    validate,
    why,
)
from stem_device.model.limits import DEFAULT_MAX_READ_BYTES, MAX_READ_BYTES

app = typer.Typer(
    name="stem",
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="New here? [bold]stem demo[/bold] starts a little Tango system that loses events.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"stem-device {version('stem-device')}")
        raise typer.Exit


def stem(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-read-bytes",
            min=1,
            metavar="N",
            envvar=MAX_READ_BYTES,
            help=f"Memory that a recording may make its reader take, unless the file itself is as large. "
            f"Default: {DEFAULT_MAX_READ_BYTES}.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Count the Tango events that were published, received and [bold]missed[/bold].

    Tango servers from version 10.1 on tell what they published and received (the command QueryEventSystem of
    their admin devices). stem asks them, does the arithmetic, and says who misses what from whom.
    """
    if max_bytes is not None:
        os.environ[MAX_READ_BYTES] = str(max_bytes)  # also for the processes that check and recover


def _paragraphs(text: str | None) -> str:
    """``text`` with one line a paragraph: the terminal breaks the lines."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(text or ""))


app.callback(help=_paragraphs(stem.__doc__))(stem)
for _module, _function in (
    (monitor, monitor.monitor),
    (check, check.check),
    (mark, mark.mark),
    (runs, runs.runs),
    (report, report.report),
    (why, why.why),
    (stats, stats.stats),
    (compare, compare.compare),
    (validate, validate.validate),
    (recover, recover.recover),
    (import_, import_.import_),
    (export, export.export),
    (register, register.register),
    (demo, demo.demo),
):
    app.command(
        _function.__name__.rstrip("_"),
        help=_paragraphs(_function.__doc__),
        epilog=_paragraphs(_module.EPILOG),
    )(_function)
