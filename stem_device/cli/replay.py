"""``stem replay``: publish recorded events again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem replay events.jsonl    # begins when somebody has subscribed

  stem replay events.h5 --port 11000 --speed 2 --start-now

The devices are tango://HOST:PORT/DEVICE#dbase=no, with the names that they had.

Exit codes: 0 all was published, 1 the file cannot be read or the server not started, 2 wrong usage,
5 an optional part is missing.
"""


def replay(  # noqa: PLR0917 - one parameter an option, called by typer alone
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events of stem tap -o.", show_default=False)],
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port; 0: a free one."),
    ] = 0,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address of this machine to serve at.")
    ] = "127.0.0.1",
    speed: Annotated[
        float, typer.Option("--speed", metavar="FACTOR", help="How many times as fast; 0: without pauses.")
    ] = 1.0,
    start_now: Annotated[
        bool, typer.Option("--start-now", help="Begin at once; else when somebody has subscribed.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            min=0.0,
            metavar="SECONDS",
            help="Time for others to subscribe after the first, and at the end for the last events to leave.",
        ),
    ] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end, until interrupted.")] = False,
) -> None:
    """Publish the events of a file of stem tap again, from a device, with the old timing.

    Devices and attributes have their old names, in a server without a database. Values are those of the file
    where it has them (stem tap --values); else an attribute is an array of bytes, as large as its events.
    """
    with failures_told():
        # Tango takes a while to import: --help and wrong usage need not wait for it.
        from stem_device.cli.replay_session import ReplayArguments, run_replay  # noqa: PLC0415

        arguments = ReplayArguments(
            file=file,
            host=host,
            port=port,
            speed=speed,
            start_now=start_now,
            settle_seconds=settle,
            loop=loop,
        )
        raise typer.Exit(run_replay(arguments))
