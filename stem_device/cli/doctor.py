"""``stem doctor``: why nothing arrives."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.device_names import device_names
from stem_device.cli.failures import failures_told
from stem_device.cli.selecting import AsJson
from stem_device.errors import OptionError
from stem_device.model.limits import DOCTOR_ALL_SECONDS, DOCTOR_WAIT_SECONDS

EPILOG = """Examples:

  stem doctor sys/tg_test/1/double_scalar

  stem doctor sys/tg_test/1/double_scalar --event archive --subscriber dserver/archiver/1

  stem doctor sys/tg_test/1    # a table of its attributes

  stem doctor --all --limit-time 120

  stem doctor sys/tg_test/1/double_scalar --json | jq .broken

Exit codes: 0 no link is broken, 1 one is, 2 wrong usage.
"""


def doctor(  # noqa: PLR0917 - one parameter an option, called by typer alone
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="DEVICE/ATTRIBUTE",
            help="The attribute that no events come of; aliases and tango://host:port/ names too. A device: "
            "a table of its attributes.",
            show_default=False,
            autocompletion=device_names,
        ),
    ] = None,
    event: Annotated[
        str,
        typer.Option(
            "--event",
            "-e",
            metavar="TYPE",
            help="Event type: change, archive, alarm, periodic, user, data_ready.",
        ),
    ] = "change",
    subscriber: Annotated[
        str,
        typer.Option(
            "--subscriber",
            metavar="DSERVER",
            help="Look at the end of this subscriber too: dserver/NAME/INSTANCE.",
            show_default=False,
        ),
    ] = "",
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", help="How long to wait for events; a heartbeat may be 10 s away."
        ),
    ] = DOCTOR_WAIT_SECONDS,
    everything: Annotated[
        bool, typer.Option("--all", help="Look at all devices of the database, the worst first.")
    ] = False,
    limit_time: Annotated[
        float,
        typer.Option("--limit-time", min=1.0, metavar="SECONDS", help="How long --all may take altogether."),
    ] = DOCTOR_ALL_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say why no events arrive: walk from the database to a callback, name the first broken link.

    Every broken link comes with evidence and one thing to do. Nothing is changed: no property, no polling,
    and no subscription stays (the server goes on counting the stream for 600 s).
    """
    with failures_told():
        from stem_device.cli import doctor_session as session  # noqa: PLC0415 - imports rich

        if everything == bool(name):
            raise OptionError("DEVICE/ATTRIBUTE", name or "", "name an attribute or a device, or say --all")
        if everything:
            code = session.run_all(limit_time, as_json=as_json)
        elif name and session.names_attribute(name):
            code = session.run_attribute(name, event, subscriber, wait, as_json=as_json)
        else:
            code = session.run_device(name or "", as_json=as_json)
        raise typer.Exit(code)
