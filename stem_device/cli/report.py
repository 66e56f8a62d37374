"""``stem report``: a recording as a page that one looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import End, FailOnVerdict, Files, Run, Servers, Start, Streams

EPILOG = """Examples:

  stem report night.h5

  stem report night.h5 -o lost.html --start 2026-11-22T04:00 --end 2026-11-22T05:00

  stem report night.h5 --run nightly-118 --server 'dserver/laser/*'

  stem report night.h5 --format png --figure losses --figure graph -o pictures

Figures, for --figure: timeline (events over time), processes (telemetry over what was lost),
losses (who missed events, and when), lag (how far behind subscriptions were), graph (who publishes to whom),
servers (servers over time), distributions (latency, processing and push time), timings (the same over time),
process_distributions (durations of processes), stages (stages of the runs, the first page).

Exit codes: 0 done, 1 a file cannot be read or written, or a figure cannot be drawn,
2 wrong usage, 5 a part is not installed; with --fail-on 7 events were lost, 8 something waits, 9 not all is
covered. The page is written in any case.
"""


def report(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Files,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The page to write, default report.html; - for standard output. "
            "With --format: the folder of the images.",
            show_default=False,
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    server: Servers = None,
    stream: Streams = None,
    run: Run = None,
    image_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="png|svg|pdf",
            help="Images of single figures in place of the page; needs Chromium.",
        ),
    ] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(
            "--figure",
            metavar="NAME",
            help="With --format: a figure; may be given several times; default: all.",
        ),
    ] = None,
    fail_on: FailOnVerdict = None,
) -> None:
    """Make one HTML page of a recording: what was lost, by whom, when, during which test run.

    The page needs nothing else: no network, no server. It works light and dark, on a projector and on paper.
    A file of the same name is replaced.
    """
    with failures_told():
        from stem_device.cli.report_session import ReportArguments, run_report  # noqa: PLC0415 - imports numpy

        code = run_report(
            ReportArguments(
                files=tuple(files),
                output=output,
                start=start,
                end=end,
                servers=tuple(server) if server else None,
                streams=tuple(stream) if stream else None,
                run=run,
                image_format=image_format,
                figures=tuple(figure or ()),
                fail_on=fail_on,
            )
        )
        raise typer.Exit(code)
