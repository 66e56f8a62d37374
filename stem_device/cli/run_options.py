"""What is told of a run, as options of all subcommands that mark runs."""

from __future__ import annotations

from typing import Annotated

import typer

from stem_device.cli.device_names import device_names

DEFAULT_DEVICE = "sys/eventmon/1"

Device = Annotated[
    str,
    typer.Option(
        "--device",
        "-d",
        metavar="DEVICE",
        envvar="STEM_EVENT_MONITOR",
        help="The EventMonitor device that gets the marks.",
        autocompletion=device_names,
    ),
]
Iteration = Annotated[int | None, typer.Option("--iteration", min=0, metavar="N", help="Which repetition.")]
DeviceGroup = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Group of devices that the run belongs to.")
]
Queue = Annotated[str | None, typer.Option(metavar="TEXT", help="Queue that the run waits in.")]
Configuration = Annotated[str | None, typer.Option(metavar="TEXT", help="What is run.")]
Host = Annotated[str | None, typer.Option(metavar="TEXT", help="Machine that the run works on.")]
Worker = Annotated[str | None, typer.Option(metavar="TEXT", help="Instance of the worker.")]
Requestor = Annotated[str | None, typer.Option(metavar="TEXT", help="Who asked for the run.")]
RequestId = Annotated[str | None, typer.Option(metavar="TEXT", help="Identity of the request.")]
