"""``stem register``: the device server in the Tango database."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem register --target 'dserver/*/*'    # sys/eventmon/1, for everything

  stem register sys/eventmon/lab -i lab --target 'lab/*/*' -P PollPeriod=1

  stem register --target 'dserver/*/*' --dry-run > eventmon.json    # for json2tango

Then start it: EventMonitor 1

Exit codes: 0 done (or nothing to do), 1 the database refused, 2 wrong usage.
"""


def register(
    device: Annotated[str, typer.Argument(metavar="[DEVICE]", help="Name of the device.")] = "sys/eventmon/1",
    instance: Annotated[
        str, typer.Option("--instance", "-i", help="Instance of the server: EventMonitor/INSTANCE.")
    ] = "1",
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="DEVICE",
            help="What to monitor; may be given several times.",
            autocompletion=device_names,
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            "-P",
            metavar="NAME=VALUE",
            help="A device property; several times, and for several lines of one property.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the JSON; do not touch the database.")
    ] = False,
) -> None:
    """Register the EventMonitor device server in the Tango database.

    Prints what it registers as dsconfig JSON on standard output, and what it changed on standard error.
    Properties that are not named stay as they are; doing it twice changes nothing.
    """
    with failures_told():
        from stem_device.cli.register_session import RegisterArguments, run_register  # noqa: PLC0415

        run_register(
            RegisterArguments(
                device=device,
                instance=instance,
                targets=tuple(target or ()),
                properties=tuple(properties or ()),
                dry_run=dry_run,
            )
        )
