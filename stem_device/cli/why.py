"""``stem why``: who lost events or waited for them, and why, from a recording."""

from __future__ import annotations

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson, End, Files, Limit, Run, Servers, Start, Streams, chosen

EPILOG = """Examples:

  stem why night.h5

  stem why night.h5 --server 'dserver/archiver/*' --start 2026-11-22T03:00:00Z

  stem why night.h5 --json | jq '.findings[0].cause'

Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage.
"""


def why(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Files,
    start: Start = None,
    end: End = None,
    server: Servers = None,
    stream: Streams = None,
    run: Run = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Say why subscriptions lost events or waited for them: when, on what evidence, what to do.

    One paragraph a subscription, the worst first. The causes are those that the monitor names while it runs;
    docs/explanation/how-tango-events-work.md explains each.
    """
    with failures_told():
        from stem_device.cli.why_session import run_why  # noqa: PLC0415 - imports numpy

        selection = chosen(start, end, server, stream, run)
        raise typer.Exit(run_why(files, selection, limit=limit, as_json=as_json))
