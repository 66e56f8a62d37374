"""``stem import``: JSON lines become a recording, and telemetry a part of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem import night.jsonl.gz -o night.h5

  stem import old/2024-*.json -o old.h5 --timezone Africa/Johannesburg

  stem import night.h5 telemetry/ -o both.h5

Exit codes: 0 imported, also if lines were skipped, 1 no poll in the files, or a file
cannot be read or written, 2 wrong usage, 5 an optional part is missing.
"""


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="JSON lines, plain or compressed (.gz, .zst), in the order of time; or a recording, and "
            "directories of telemetry.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NEW.h5", help="The new recording.", show_default=False),
    ],
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            "-l",
            metavar="LABEL",
            help="Label of the recording; the first file's name unless given.",
            show_default=False,
        ),
    ] = None,
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Zone of times that name none, as the observatory script's.",
        ),
    ] = "UTC",
) -> None:
    """Turn JSON lines into a recording, counted as stem monitor would have counted.

    Takes what stem monitor and the observatory's event monitor script write, replies of either dialect, lines
    without their last braces, unquoted errors, and several sessions one after the other. Lines that cannot be
    used are skipped, and told by number.

    With a directory of telemetry, the files before it are a recording, which is written anew with it.
    """
    with failures_told():
        from stem_device.cli.conversions import run_import  # noqa: PLC0415 - imports numpy and h5py

        raise typer.Exit(run_import(files, output, label=label, timezone=timezone))
