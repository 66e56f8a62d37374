"""``stem demo``: a live system that loses events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem demo    # half a minute, then all is stopped again

  stem demo --keep    # ... and left running, to try things out

  stem demo --seconds 60 | grep missed
"""


def demo(
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", "-s", min=0.0, metavar="SECONDS", help="How long to show it; 0: until Ctrl-C."
        ),
    ] = 30.0,
    recordings: Annotated[
        Path, typer.Option("--recordings", file_okay=False, help="Folder for the recording, which is kept.")
    ] = Path("recordings"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the system running afterwards, until Ctrl-C.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines on a terminal too.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", hidden=True, help="Write a picture of the screen to this file.")
    ] = None,
) -> None:
    """Start a little Tango system that loses events, and show who lost them.

    A database, a simulated weather station, a fast publisher, EventMonitor and three subscribers: a quick
    one, a slow one, and one that its garbage collector stops. All on loopback. What you see comes from
    EventMonitor, by subscribing to its attributes. Nothing is left running.
    """
    with failures_told():
        from stem_device.cli.interrupts import interrupts_raised  # noqa: PLC0415
        from stem_device.demo.performance import DemoArguments, run_demo  # noqa: PLC0415 - imports Tango

        arguments = DemoArguments(seconds=seconds, recordings=recordings, plain=plain, keep=keep, svg=svg)
        with interrupts_raised():  # a second signal ends it at once: servers and files go with the process
            run_demo(arguments)
