"""What ``stem mark`` does, once its arguments are understood."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, structs

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.moments import zoned
from stem_device.client import MarkReply, RunMarker
from stem_device.text import visible


class MarkArguments(Struct, frozen=True, kw_only=True):
    """The arguments of ``stem mark``. What is None is not told."""

    device: str
    run: str
    event: str
    must_record: bool
    time: str | None
    iteration: int | None
    device_group: str | None
    queue: str | None
    configuration: str | None
    host: str | None
    worker: str | None
    requestor: str | None
    request_id: str | None
    error: str | None


_NOT_TOLD_ON = ("device", "run", "event", "must_record")


def run_mark(arguments: MarkArguments) -> ExitCode:
    """Send the mark. Raises MarkError and MonitorUnreachableError."""
    reply = _send(RunMarker(arguments.device), arguments)
    if reply.recorded:
        received = f", received at {reply.received}" if reply.received else ""
        print(f"{arguments.device} recorded {visible(arguments.event)} of {visible(arguments.run)}{received}")
        return ExitCode.OK
    tell(f"the mark is not recorded: {reply.reason}")
    return ExitCode.FAILED if arguments.must_record else ExitCode.OK


def _send(marker: RunMarker, arguments: MarkArguments) -> MarkReply:
    told: dict[str, Any] = structs.asdict(arguments)
    for name in _NOT_TOLD_ON:
        del told[name]
    if arguments.time is not None:
        told["time"] = int(arguments.time) if arguments.time.isdecimal() else zoned("--time", arguments.time)
    if arguments.event == "begin":
        return marker.begin(arguments.run, **told)
    if arguments.event == "end":
        return marker.end(arguments.run, **told)
    return marker.mark(arguments.run, arguments.event, **told)
