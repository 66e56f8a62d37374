"""``stem tap``: what goes over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson

EPILOG = """Examples:

  stem tap sys/tg_test/1    # all that its server sends, live

  stem tap 'dserver/*/*' --seconds 10 --json

  stem tap dserver/TangoTest/test --topic '*/double_scalar' -o events.jsonl --values

  stem tap dserver/TangoTest/test -o events.h5    # for stem replay

Exit codes: 0 ended or interrupted, 1 the output file could not be written, 2 wrong usage,
3 no publisher could be tapped, 5 an optional part is missing.
"""


def tap(  # noqa: PLR0917 - one parameter an option, called by typer alone
    servers: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVER",
            help="Devices or admin devices; wildcards (quoted) and tango://host:port/ names too.",
            show_default=False,
            autocompletion=device_names,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write every event: HDF5 if the name ends in .h5, else JSON lines (.gz, .zst compress).",
        ),
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Write the decoded values too.")] = False,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic",
            metavar="PATTERN",
            help="Only these attributes or devices; wildcards too. May be repeated. Others are not sent.",
        ),
    ] = None,
    period: Annotated[
        float, typer.Option("--period", min=0.1, metavar="SECONDS", help="Time between two reports.")
    ] = 1.0,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.0, metavar="SECONDS", help="End after so long; 0: never."),
    ] = 0.0,
    timeout: Annotated[
        float,
        typer.Option("--timeout", "-t", min=0.01, metavar="SECONDS", help="Limit for each server."),
    ] = 3.0,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines on a terminal too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the events that publishers send: how many, how large, what is missing between them.

    It works with any Tango version, and it subscribes to nothing: what nobody has subscribed to is not sent.
    Each publisher sends every event once more, to this program.
    """
    with failures_told():
        # Tango takes a while to import: --help and wrong usage need not wait for it.
        from stem_device.cli.tap_session import TapArguments, run_tap  # noqa: PLC0415

        arguments = TapArguments(
            servers=tuple(servers),
            output=output,
            values=values,
            topics=tuple(topic or ()),
            period_seconds=period,
            seconds=seconds,
            timeout_seconds=timeout,
            plain=plain,
            as_json=as_json,
        )
        raise typer.Exit(run_tap(arguments))
