"""``stem stats``: a recording in numbers."""

from __future__ import annotations

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import (
    AsJson,
    End,
    FailOnVerdict,
    Files,
    Limit,
    Run,
    Servers,
    Start,
    Streams,
    chosen,
)

EPILOG = """Examples:

  stem stats night.h5

  stem stats night.h5 --server 'dserver/motion/*' --start 2026-11-22T03:00:00Z

  stem stats night.h5 --start -1h    # the last hour of the recording

  stem stats night.h5 --run 4711 --limit 0

  stem stats night.h5 --json | jq '.subscriptions[0].counts.missed'

  stem stats night.h5 --fail-on waiting

Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage, 5 a package is missing;
with --fail-on 7 events were lost, 8 something waits, 9 not all is covered.
"""


def stats(  # noqa: PLR0917 - one parameter an option, called by typer alone
    files: Files,
    start: Start = None,
    end: End = None,
    server: Servers = None,
    stream: Streams = None,
    run: Run = None,
    limit: Limit = 10,
    as_json: AsJson = False,
    fail_on: FailOnVerdict = None,
) -> None:
    """Say what was published, received and missed, by whom, and how long everything took.

    The verdict comes first, then the worst. Counts are of events between the first and the last poll. What
    the numbers do not tell of (servers that did not answer, times without polls) stands at the end.
    """
    with failures_told():
        from stem_device.cli.stats_session import run_stats  # noqa: PLC0415 - imports numpy

        selection = chosen(start, end, server, stream, run)
        raise typer.Exit(run_stats(files, selection, limit=limit, as_json=as_json, fail_on=fail_on))
