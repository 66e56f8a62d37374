"""``stem recover``: what can be read of a damaged recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem recover torn.h5 -o whole.h5

Exit codes: 0 recovered, whatever was lost, 1 nothing can be recovered or written, 2 wrong usage,
5 an optional part is missing.
"""


def recover(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A truncated or damaged recording.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NEW.h5", help="The new recording.", show_default=False),
    ],
) -> None:
    """Write what can be read of a damaged recording to a new one, and say what was lost.

    A poll is kept if all of its counters can be read: a number that is there is true. The damaged file is
    only read; an output file that is there already is refused.
    """
    with failures_told():
        from stem_device.cli.conversions import run_recover  # noqa: PLC0415 - imports numpy and h5py

        raise typer.Exit(run_recover(file, output))
