"""``stem check``: which servers can be monitored."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson, Timeout
from stem_device.model.options import PollingOptions

EPILOG = """Examples:

  stem check    # all servers in the database

  stem check sys/tg_test/1

  stem check 'dserver/*/*' | grep -v state=monitored

  stem check 'dserver/*/*' --json | jq '.servers[] | select(.state != "monitored")'

Exit codes: 0 all targets can be monitored, 2 wrong usage, 3 none can, 4 some cannot.
"""


def check(
    devices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DEVICE",
            help="Devices or admin devices; wildcards (quoted) and tango://host:port/ names too. "
            "Without any: all servers in the database.",
            show_default=False,
            autocompletion=device_names,
        ),
    ] = None,
    timeout: Timeout = PollingOptions.target_timeout,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines on a terminal too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which servers can be monitored, which cannot, and why.

    Asks every server once, and changes nothing there.
    """
    with failures_told():
        from stem_device.cli.check_session import run_check  # noqa: PLC0415 - imports Tango

        raise typer.Exit(run_check(tuple(devices or ()), timeout, plain=plain, as_json=as_json))
