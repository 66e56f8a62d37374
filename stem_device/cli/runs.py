"""``stem runs``: runs and their phases, from a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson, Limit

EPILOG = """Examples:

  stem runs night.h5

  stem runs night.h5 --duration 'tested - flashed' --duration 'end - begin'

  stem runs night.h5 --group laser --json | jq '.groups[0].failed'

Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage,
also a mark or a group that does not come up.
"""


def runs(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="A recording; several files are read as one.", show_default=False
        ),
    ],
    duration: Annotated[
        list[str] | None,
        typer.Option(
            "--duration",
            metavar="'B - A'",
            help="Durations from mark A to mark B in every run. May be given several times.",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", "-g", metavar="GROUP", help="Only runs of this device group."),
    ] = None,
    queued: Annotated[
        list[str] | None,
        typer.Option(
            "--queued",
            metavar="MARK",
            help="A run whose latest mark is this one waits. May be given several times; "
            "default: requested, queued.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Say how long test runs and their stages took, and what was lost during which.

    Runs are what BeginRun, Mark and EndRun told the monitor (stem mark). Events are counted from poll to
    poll: they belong to the run and stage in which their poll ended.
    """
    with failures_told():
        from stem_device.cli.runs_session import run_runs  # noqa: PLC0415 - imports numpy

        raise typer.Exit(
            run_runs(
                files,
                tuple(duration or ()),
                group=group,
                queued=tuple(queued) if queued else None,
                limit=limit,
                as_json=as_json,
            )
        )
