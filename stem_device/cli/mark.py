"""``stem mark``: tell the EventMonitor what a test run is doing."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.failures import failures_told
from stem_device.cli.run_options import (
    DEFAULT_DEVICE,
    Configuration,
    Device,
    DeviceGroup,
    Host,
    Iteration,
    Queue,
    RequestId,
    Requestor,
    Worker,
)

EPILOG = """Examples:

  stem mark run-7 begin --device-group mid --requestor "$USER"

  stem mark run-7 flashed

  stem mark run-7 booted --iteration 2 --time "$(date --utc --iso-8601=ns)"

  stem mark run-7 end --error "no answer from the motor"

Exit codes: 0 the monitor took the mark (standard error says so if it is not recorded), 1 it did
not, or with --must-record it is not recorded, 2 wrong usage, and nothing was recorded.
"""


def _events(incomplete: str) -> list[str]:
    """What the shell offers for EVENT."""
    return [event for event in ("begin", "end") if event.startswith(incomplete)]


def mark(  # noqa: PLR0917 - one parameter an option, called by typer alone
    run: Annotated[str, typer.Argument(metavar="RUN", help="Identity of the run.", show_default=False)],
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT",
            help="begin, end, or the name of what happened.",
            show_default=False,
            autocompletion=_events,
        ),
    ],
    device: Device = DEFAULT_DEVICE,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="TIME",
            help="When it happened: ISO 8601 with time zone, or nanoseconds since 1970 UTC. Default: now.",
        ),
    ] = None,
    iteration: Iteration = None,
    device_group: DeviceGroup = None,
    queue: Queue = None,
    configuration: Configuration = None,
    host: Host = None,
    worker: Worker = None,
    requestor: Requestor = None,
    request_id: RequestId = None,
    error: Annotated[str | None, typer.Option(metavar="TEXT", help="What went wrong.")] = None,
    must_record: Annotated[
        bool, typer.Option("--must-record", help="Fail if the mark is not recorded.")
    ] = False,
) -> None:
    """Tell the EventMonitor what a test run is doing, so that recordings say what was lost when.

    begin and end begin and end the run; any other EVENT is a point that it
    reached. Marks may come late, repeated, or for a run that never began: all are recorded.
    """
    with failures_told():
        # Tango takes a while to import: --help and wrong usage need not wait for it.
        from stem_device.cli.mark_session import MarkArguments, run_mark  # noqa: PLC0415

        arguments = MarkArguments(
            device=device,
            run=run,
            event=event,
            must_record=must_record,
            time=time,
            iteration=iteration,
            device_group=device_group,
            queue=queue,
            configuration=configuration,
            host=host,
            worker=worker,
            requestor=requestor,
            request_id=request_id,
            error=error,
        )
        raise typer.Exit(run_mark(arguments))
