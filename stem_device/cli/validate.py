"""``stem validate``: whether a recording is what the format says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson

EPILOG = """Examples:

  stem validate night.h5

  stem validate recordings/*.h5 | grep violation

  stem validate recordings/*.h5 --json | jq '.files[] | select(.valid | not) | .file'

Exit codes: 0 no violation, 1 a violation or a file that cannot be read, 2 wrong usage,
5 an optional part is missing.
"""


def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Recordings (HDF5).", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """List every violation of the recording format, and notes: what is legal, and worth knowing.

    Nothing is written. A file that is being recorded can be checked too. What is wrong can often be put
    right with stem recover.
    """
    with failures_told():
        from stem_device.cli.conversions import run_validate  # noqa: PLC0415 - imports numpy and h5py

        raise typer.Exit(run_validate(files, as_json=as_json))
