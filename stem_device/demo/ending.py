"""What the demo says at its end."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from stem_device.demo.feed import Received
from stem_device.demo.system import MONITOR
from stem_device.report.number_text import common_prefix, count, seconds, size, without


class Recording(Struct, frozen=True):
    """The recording that the device made: ``path``, polls, bytes, and why it ended early (if so)."""

    path: str
    polls: int
    bytes: int
    error: str = ""


def command(program: str) -> str:
    """How to call a program that is installed beside this interpreter: by its name if that finds it."""
    here = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    # Not resolved: the interpreters of all virtual environments are links to the same file.
    if found and Path(found).absolute() == here:
        return program
    return os.path.relpath(here) if here.is_relative_to(Path.cwd()) else str(here)


def ending(
    last: Received, recording: Recording | None, *, shown_seconds: float, tango_host: str, running: bool
) -> Iterator[str]:
    """The summary, the recording if there is one, and what to try next; ``running``: the system goes on."""
    counts = last.counts
    yield ""
    numbers = f"{count(counts.published)} events were published, and {count(counts.received)} received"
    yield f"In {seconds(shown_seconds)} {numbers}."
    yield from _losses(last)
    yield from _verdict(last)
    if recording is not None:
        yield from _kept(recording)
    yield ""
    yield from _next(tango_host, running=running)


def _kept(recording: Recording) -> Iterator[str]:
    yield ""
    yield f"Recording  {recording.path}"
    if recording.error:
        yield f"           ended early: {recording.error}"
    yield f"           {recording.polls} polls, {size(recording.bytes)}; opens in silx view, H5Web, h5py"
    if recording.polls:
        yield f"           see what happened: {command('stem')} report {shlex.quote(_shown(recording.path))}"


def _shown(path: str) -> str:
    """As short as it can be typed here."""
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def _losses(last: Received) -> Iterator[str]:
    prefix = common_prefix(server.name for server in last.servers)
    counts = last.counts
    if not counts.missed:
        yield "None is known to be missed yet: a round takes about twelve seconds."
    for row in last.subscriptions:
        if row.missed_total:
            gaps = "1 gap" if row.gaps_total == 1 else f"{row.gaps_total} gaps"
            subscriber, stream = without(prefix, row.subscriber), without(prefix, row.stream)
            yield f"{subscriber} missed {count(row.missed_total)} of {stream}, in {gaps}."
    if counts.overdue:
        yield f"{count(counts.overdue)} were overdue at the end: in a queue, or lost and not noticed yet."


def _verdict(last: Received) -> Iterator[str]:
    """As ``stem monitor`` ends; of the time that the device judges by."""
    if last.verdict is not None:
        prefix = common_prefix(server.name for server in last.servers)
        yield f"Verdict: {last.verdict.level.word}. {without(prefix, last.verdict.sentence)}"


def _next(tango_host: str, *, running: bool) -> Iterator[str]:
    stem = command("stem")
    if running:
        yield "The system keeps running until Ctrl-C. In another terminal:"
    else:
        yield "All is stopped again. This leaves it running until Ctrl-C, and prints its own TANGO_HOST:"
        yield ""
        yield f"  {stem} demo --keep"
        yield ""
        yield "Then, in another terminal:"
    yield ""
    host, _, port = tango_host.rpartition(":")
    yield f"  export TANGO_HOST={host}:{port if running else 'PORT   # as it prints'}"
    yield f"  {stem} check 'dserver/*/*'"
    yield f"  {stem} monitor 'dserver/StemDemo/*' --poll-period 1 --enable-perfmon"
    yield f"  {command('python')}"
    yield "  >>> import tango"
    yield f'  >>> monitor = tango.DeviceProxy("{MONITOR}")'
    yield "  >>> print(monitor.Status())"
    yield "  >>> print(monitor.totalMissedEvents, monitor.worstSubscriptions)"
    yield ""
    yield "On your own control system: stem check 'dserver/*/*', stem monitor DEVICE, stem register --help"
