"""``stem export``: recordings in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """[bold]Examples[/bold]

  stem export night.h5 -o night.csv.gz

  stem export night.h5 -o lost.parquet --server 'dserver/laser/*' --run 4711

  stem export night.h5 -o tables --format parquet

[bold]Exit codes[/bold]: 0 written, 1 a file cannot be read or written, 2 wrong usage,
5 an optional part is missing.
"""


def export(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="A recording; several files are read as one.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The new file; .gz and .zst compress text.",
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
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", help="First moment, ISO 8601.", show_default=False),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="TIME", help="The moment after the last.", show_default=False),
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option("--server", "-s", metavar="PATTERN", help="Only these servers.", show_default=False),
    ] = None,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", metavar="PATTERN", help="Only these streams.", show_default=False),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", "-r", metavar="RUN", help="Only this run.", show_default=False)
    ] = None,
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
