"""``stem compare``: what became better or worse."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson, Limit, Servers, Streams

EPILOG = """Examples:

  stem compare before.h5 after.h5

  stem compare before.h5 after.h5 --fail-on missed --fail-on latency

  stem compare 'monday-*.h5' 'tuesday-*.h5'

  stem compare night.h5 --a 2026-11-22T01:00Z/2026-11-22T02:00Z --b 2026-11-22T02:00Z/2026-11-22T03:00Z

Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage, 5 a package is missing,
6 something of --fail-on became worse.
"""


class FailOn(enum.StrEnum):
    """What may fail the command."""

    MISSED = "missed"
    OVERDUE = "overdue"
    LATENCY = "latency"
    PROCESSING = "processing"
    PUSH = "push"
    DURATION = "duration"
    HALT = "halt"


def compare(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Two recordings, A and B; or one, with --a and --b. One of several files is given as "
            "its directory, or as a pattern in quotes.",
            show_default=False,
        ),
    ],
    span_a: Annotated[
        str | None, typer.Option("--a", metavar="START/END", help="A is this time span of the files.")
    ] = None,
    span_b: Annotated[
        str | None, typer.Option("--b", metavar="START/END", help="B is this time span of the files.")
    ] = None,
    server: Servers = None,
    stream: Streams = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option(
            "--fail-on",
            metavar="KIND",
            help="End with exit code 6 if this became worse and that is sure: missed, overdue, latency, "
            "processing, push; of telemetry duration, halt. May be repeated.",
        ),
    ] = None,
    ignore_overdue: Annotated[
        bool,
        typer.Option(
            "--ignore-overdue", help="--fail-on missed lets events pass that were overdue at the end."
        ),
    ] = False,
    limit: Limit = 10,
    as_json: AsJson = False,
) -> None:
    """Say what became better or worse from A to B, by how much, and how sure that is.

    Losses come in bursts and samples of one poll have much in common: so both recordings are cut into up to
    20 pieces, and pieces are compared, not events. A change is sure if chance alone would make one like it
    in less than 5 % of cases. missed includes events unaccounted; it also fails if A lost nothing at all and
    B lost something, or has events overdue at its end. Losses cannot be compared where a recording is shorter
    than the pattern in which they come.
    """
    with failures_told():
        from stem_device.cli.compare_session import run_compare  # noqa: PLC0415 - imports numpy

        chosen = {"servers": server or None, "streams": stream or None}
        kinds = tuple(str(kind) for kind in fail_on or ())
        raise typer.Exit(
            run_compare(
                files,
                (span_a, span_b),
                chosen,
                fail_on=kinds,
                ignore_overdue=ignore_overdue,
                limit=limit,
                as_json=as_json,
            )
        )
