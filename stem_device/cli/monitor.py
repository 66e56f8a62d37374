"""``stem monitor``: watch servers from a terminal or a script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import FailOnVerdict
from stem_device.cli.table_options import Texts, values_of, with_table_options
from stem_device.model.options import Options

EPILOG = """Examples:

  stem monitor sys/tg_test/1    # one server, a poll every 10 s

  stem monitor 'lab/*/*' -p 1 -m -o run.h5    # with timings, recorded

  stem monitor 'lab/*/*' -c 60 --fail-on waiting    # a check in a script

  stem monitor 'lab/*/*' --json | jq .totals.missed

  stem monitor dserver/TangoTest/test | grep -E ' (missed|overdue) '

Exit codes: 0 ended or interrupted, 1 the output file could not be written, 2 wrong usage,
3 no target can be monitored, 5 an optional part is missing; with --fail-on 7 events were lost,
8 something waits, 9 not all is covered.
"""

WHOLE_RUN_SECONDS = 31_536_000.0
"""A loss stays told until the end of the run, which sums up all of them."""


@with_table_options
def monitor(  # noqa: PLR0917 - one parameter an option, called by typer alone
    devices: Annotated[
        list[str],
        typer.Argument(
            metavar="DEVICE",
            help="Devices or admin devices; wildcards (quoted) and tango://host:port/ names too.",
            show_default=False,
            autocompletion=device_names,
        ),
    ],
    options: Texts,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Record every poll: HDF5 if the name ends in .h5, else JSON lines (.gz, .zst compress).",
        ),
    ] = None,
    append: Annotated[
        bool,
        typer.Option(
            "--append", "-a", help="Append to the file (JSON lines only) instead of refusing to touch it."
        ),
    ] = False,
    polls: Annotated[
        int,
        typer.Option("--polls", "-c", min=0, metavar="N", help="End after this number of polls; 0: go on."),
    ] = 0,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", "-w", help="Go on if no target can be monitored yet: it may be started later."
        ),
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines on a terminal too.")] = False,
    fail_on: FailOnVerdict = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a poll, each on a line.")] = False,
) -> None:
    """Watch servers: a live table on a terminal, plain lines in a pipe.

    Each poll reports what changed: streams and subscriptions that are new, gone, or moved, with their
    counters. missed events were pushed and never reached a subscription. overdue
    ones were pushed a whole poll ago and are not there yet: stuck in a queue, or lost already without
    anybody having noticed.
    """
    with failures_told():
        # Tango takes a while to import: --help and wrong usage need not wait for it.
        from stem_device.cli.monitor_session import MonitorArguments, run_monitor, targets_of  # noqa: PLC0415

        arguments = MonitorArguments(
            options=Options(
                target_devices=targets_of(devices), alarm_hold_time=WHOLE_RUN_SECONDS, **values_of(options)
            ),
            output_file=output,
            append=append,
            polls=polls,
            wait=wait,
            plain=plain,
            fail_on=fail_on,
            as_json=as_json,
        )
        raise typer.Exit(run_monitor(arguments))
