"""``stem trace``: run a Python program with telemetry, and with the marks of a run around it."""

from __future__ import annotations

from pathlib import Path
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

  stem trace -- python my_script.py --my-option

  stem trace --run night-7 --device-group mid --requestor "$USER" -- pytest tests

  stem trace -o night --profiler sampling --no-marks -- MyServer 1

Exit codes: that of COMMAND (128 and the signal's number if a signal ended it), 1 it cannot be started,
2 wrong usage.
"""


def trace(  # noqa: PLR0917 - one parameter an option, called by typer alone
    command: Annotated[
        list[str],
        typer.Argument(metavar="-- COMMAND...", help="The program and its arguments.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIRECTORY", help="Where files of telemetry go."),
    ] = Path("telemetry"),
    run: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run. Default: the program's name and the time."),
    ] = None,
    device: Device = DEFAULT_DEVICE,
    marks: Annotated[
        bool, typer.Option("--marks/--no-marks", help="Mark the run's begin and end in recordings.")
    ] = True,
    runtime: Annotated[
        bool, typer.Option("--runtime/--no-runtime", help="Collect runtime metrics once a second.")
    ] = True,
    profiler: Annotated[str, typer.Option(metavar="NAME", help="Profile it: cprofile or sampling.")] = "off",
    iteration: Iteration = None,
    device_group: DeviceGroup = None,
    queue: Queue = None,
    configuration: Configuration = None,
    host: Host = None,
    worker: Worker = None,
    requestor: Requestor = None,
    request_id: RequestId = None,
) -> None:
    """Run a Python program with telemetry, and mark the run in recordings.

    Every Python process that COMMAND starts writes files of its own. The program needs no change; what it
    times with stem_device.telemetry is in the files as well. A monitor that cannot be reached is no failure.
    """
    with failures_told():
        from stem_device.cli.trace_session import TraceArguments, run_trace  # noqa: PLC0415

        arguments = TraceArguments(
            command=command,
            directory=output,
            run=run,
            device=device if marks else "",
            runtime=runtime,
            profiler=profiler,
            about={
                "iteration": iteration,
                "device_group": device_group,
                "queue": queue,
                "configuration": configuration,
                "host": host,
                "worker": worker,
                "requestor": requestor,
                "request_id": request_id,
            },
        )
        raise typer.Exit(run_trace(arguments))
