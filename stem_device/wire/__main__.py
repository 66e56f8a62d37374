"""The child process that taps for a monitor: commands on standard input, reports on standard output.

So polls go on whatever comes over the wire, and what a hostile publisher makes of the memory is this
process's. It ends when its input does. One JSON object a line:

    {"watch": {"key", "events", "heartbeats", "topics", "hosts"}} or {"forget": key}
    {"key": TapCounts with the topics that changed, ...}
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time

import msgspec
from msgspec import Struct

from stem_device.wire.tap import Taps
from stem_device.wire.topics import Topics

REPORT_SECONDS = 0.1
"""Between two reports: counters of a poll are so old at most."""

MEMORY_BYTES = 2**30
"""Of data, at most; beyond it the process ends, and its parent starts another."""


class Watch(Struct, frozen=True):
    """Whom to tap, and under which key to report."""

    key: str
    events: tuple[str, ...]
    heartbeats: tuple[str, ...]
    topics: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class Command(Struct, frozen=True):
    """One of the two."""

    watch: Watch | None = None
    forget: str = ""


def main() -> None:
    """Tap until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    taps = Taps()
    commands = sys.stdin.fileno()
    os.set_blocking(commands, False)
    taps.also_wait_for(commands)
    rest, due = b"", 0.0
    while True:
        taps.listen(REPORT_SECONDS)
        try:
            chunk = os.read(commands, 2**20)
        except BlockingIOError:
            chunk = None
        if chunk == b"":
            return
        *lines, rest = (rest + (chunk or b"")).split(b"\n")
        for line in lines:
            _obey(taps, msgspec.json.decode(line, type=Command))
        if time.monotonic() >= due and taps.taps:
            due = time.monotonic() + REPORT_SECONDS
            _report(taps)


def _obey(taps: Taps, command: Command) -> None:
    if command.forget:
        taps.forget(command.forget)
    if command.watch is not None:
        one = command.watch
        taps.watch(one.key, one.events, one.heartbeats, Topics(one.topics, one.hosts))


def _report(taps: Taps) -> None:
    reports = {key: tap.counts(changed_only=True) for key, tap in taps.taps.items()}
    sys.stdout.buffer.write(msgspec.json.encode(reports) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
