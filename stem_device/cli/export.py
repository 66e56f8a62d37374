"""``stem export``: recordings in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import End, Files, Run, Servers, Start, Streams

EPILOG = """Examples:

  stem export night.h5 -o night.csv.gz

  stem export night.h5 -o lost.parquet --server 'dserver/laser/*' --run 4711

  stem export night.h5 -o tables --format parquet

Exit codes: 0 written, 1 a file cannot be read or written, 2 wrong usage,
5 an optional part is missing.
"""


def export(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Files,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The new file; .gz and .zst compress text; - for standard output.",
            show_default=False,
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="jsonl, csv or parquet; by the suffix unless given.",
            show_default=False,
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    server: Servers = None,
    stream: Streams = None,
    run: Run = None,
) -> None:
    """Write a recording, or what is selected of it, as JSON lines, CSV or Parquet.

    CSV is one long table with the columns Timepoint (nanoseconds since 1970), Measurement, Label and PID.
    Parquet is the same, or every table in a file of its own if the output has no suffix. JSON lines can be
    imported again.
    """
    with failures_told():
        from stem_device.cli.conversions import Wanted, run_export  # noqa: PLC0415 - imports numpy and h5py

        wanted = Wanted(start=start, end=end, servers=server, streams=stream, run=run)
        raise typer.Exit(run_export(files, output, form, wanted))
