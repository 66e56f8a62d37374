"""``stem who``: who publishes what to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson, Limit, Timeout
from stem_device.model.options import PollingOptions

EPILOG = """Examples:

  stem who sys/tg_test/1/double_scalar.change

  stem who sys/tg_test/1

  stem who dserver/tangotest/test    # what would a restart interrupt?

  stem who TangoTest/test --json | jq .restarts

Exit codes: 0 done, 1 no server tells of it, 2 wrong usage.
"""


def who(
    name: Annotated[
        str,
        typer.Argument(
            metavar="STREAM|DEVICE|SERVER",
            help="A stream (device/attribute.change), an attribute, a device, or a server "
            "(dserver/NAME/INSTANCE or NAME/INSTANCE).",
            show_default=False,
            autocompletion=device_names,
        ),
    ],
    limit: Limit = 50,
    timeout: Timeout = PollingOptions.target_timeout,
    as_json: AsJson = False,
) -> None:
    """Say who publishes it, who is subscribed, and what a restart of that server would interrupt.

    Asks all servers of the database three times within two seconds. Rates are of these two seconds.
    """
    with failures_told():
        from stem_device.cli.who_session import run_who  # noqa: PLC0415 - imports Tango

        raise typer.Exit(run_who(name, timeout, limit=limit, as_json=as_json))
