"""What ``stem replay`` does, once its arguments are understood."""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tango

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.interrupts import Interrupted, interrupts_noted
from stem_device.cli.replay_server import ReplayServer
from stem_device.demo.processes import ProcessError
from stem_device.device.replay_plan import plan_of
from stem_device.errors import OptionError, StemError
from stem_device.polling.tango_errors import first_words
from stem_device.reading.event_files import read_events

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayArguments:
    """The arguments of ``stem replay``; ``speed`` 0 is as fast as possible."""

    file: Path
    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    start_now: bool = False
    settle_seconds: float = 1.0
    loop: bool = False


def run_replay(arguments: ReplayArguments) -> ExitCode:
    """Read, serve, publish, tell. Raises StemError."""
    if not 0 <= arguments.speed < 1e6:
        raise OptionError("--speed", arguments.speed, "must be 0 (no pauses) or more, below 1000000")
    plan = plan_of(read_events(arguments.file))
    if not plan.count:
        raise StemError(f"{arguments.file}: it has no events of attributes")
    if plan.left_out:
        tell(f"{plan.left_out:,} events are left out: they are none of an attribute's value, by their names")
    port = _free_port(arguments.host)
    port = arguments.port or port
    with interrupts_noted() as interrupted:
        try:
            with ReplayServer(arguments.file, arguments.host, port, arguments.speed, plan.devices) as server:
                try:
                    return _replay(server, arguments, interrupted)
                except tango.DevFailed as error:
                    reason = f"the server of the replay does not answer any more: {first_words(error)}"
                    raise StemError(reason) from error
        except ProcessError as error:
            raise StemError(f"the server could not be started: {error}") from error


def _replay(server: ReplayServer, arguments: ReplayArguments, interrupted: Interrupted) -> ExitCode:
    for name in server.names:
        tell(f"serving {name}")
    if not arguments.start_now:
        tell("waiting for a subscriber")
        while not server.has_subscriber:
            if interrupted:
                return ExitCode.OK
            time.sleep(_LOOK_SECONDS)
        time.sleep(arguments.settle_seconds)
    while not interrupted:
        server.begin()
        while (progress := server.progress()).state == "running" and not interrupted:
            time.sleep(_LOOK_SECONDS)
        sys.stdout.write(
            f"published {progress.events} events in {progress.seconds:.3f} s, "
            f"at most {progress.late_seconds * 1000:.1f} ms late\n"
        )
        sys.stdout.flush()
        if progress.failure:
            raise StemError(progress.failure)
        if not arguments.loop:
            time.sleep(arguments.settle_seconds)  # what was pushed last is on its way
            break
    return ExitCode.OK


def _free_port(host: str) -> int:
    if not host.strip() or ":" in host:
        raise OptionError("--host", host, "must be a name or an IPv4 address of this machine")
    try:
        with socket.create_server((host, 0)) as found:
            return int(found.getsockname()[1])
    except OSError as error:
        reason = f"is no address of this machine ({error.strerror or error})"
        raise OptionError("--host", host, reason) from error
