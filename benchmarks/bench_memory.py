"""Resident memory of the whole engine over many polls, as fast as they go.

Everything runs but the network: real Monitor, Poller with its threads, parser, ledger, HDF5 recording with
rotation and KeepRecordings, and all that the device makes of a Snapshot (latestSnapshot, attributes, Status).
The proxies answer from texts: counters move, servers go away and restart, streams and subscriptions come and
go, replies are garbled, events are missed.

    python benchmarks/bench_memory.py --polls 100000

With ``--export`` each poll is also rendered for Prometheus and sent to OpenTSDB, Elasticsearch and OTLP, and
the next one waits until all have taken it. The live windows are full after 3600 polls.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import tango
from relays import samples, template
from stage import machine, table, verdict
from takers import takers

from stem_device.device.presenter import Presenter
from stem_device.device.tango_attributes import readings
from stem_device.exporting import attach_exporters
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.monitor import Monitor
from stem_device.polling import Poller
from stem_device.polling.directory import Entry
from stem_device.polling.identity import Process
from stem_device.web import serve_monitor

HOST = "bench:10000"
MEGABYTE = 1_000_000
FILE_BYTES = 3 * MEGABYTE
GROWTH = 1.05
WINDOWS_FULL = 3
"""The fourth of ten marks: 4000 of 10,000 polls."""
SPOOLED_SECONDS = 10.0
"""What Elasticsearch's spool still holds then goes with the next poll, and with nothing before it."""


class FakeServer:
    """Answers like one server; its life is random, but the same in every run."""

    def __init__(self, name: str, streams: int, sample_count: int) -> None:
        self._name = name
        self._streams = streams
        self._random = random.Random(name)
        self._perf = samples(name, sample_count)
        self._pushed = 0
        self._sampling = False
        self._down = 0
        self.life = 1

    def command_inout(self, command: str, argument: object = None, /) -> Any:
        if command == "ZmqEventSubscriptionChange":
            return [0], ["Heartbeat: tcp://127.0.0.1:39712", "Event: tcp://127.0.0.1:39713"]
        if command != "QueryEventSystem":
            self._sampling = bool(argument)
            return None
        luck = self._random.random()
        if self._down or luck < 0.005:
            return self._is_down()
        text = self._reply(self._streams if luck < 0.98 else self._streams // 2)
        return text[: int(len(text) * luck)] if luck > 0.995 else text

    def _is_down(self) -> str:
        """For some polls; it begins anew then, as another process, without sampling."""
        self.life += not self._down
        self._down = self._down - 1 if self._down else self._random.randint(1, 5)
        self._pushed, self._sampling = 0, False
        tango.Except.throw_exception("API_CorbaException", f"no answer, {self._random.random()}", self._name)
        raise AssertionError

    def _reply(self, streams: int) -> str:
        """Now and then with fewer streams, or with events that were missed."""
        self._pushed += self._random.randint(0, 50)
        missing = max(0, self._random.randint(-500, 3))
        push, receive = self._perf if self._sampling else ("null", "null")
        text = template(self._name, streams) % (push, receive)
        if missing:
            text = text.replace('"event_count":@C', f'"event_count":{max(0, self._pushed - missing)}')
            text = text.replace('"missed_event_count":0', '"missed_event_count":1')
        return text.replace("@C", str(self._pushed)).replace("@P", str(self._pushed + 1))

    def ping(self) -> int:
        return 0

    def set_timeout_millis(self, millis: int, /) -> None:
        del millis

    def set_transparency_reconnection(self, on: bool, /) -> None:
        del on

    def import_info(self) -> Any:
        raise tango.DevFailed

    def info(self) -> Any:
        return None

    def get_tango_lib_version(self) -> int:
        return 1033


class FakeDirectory:
    """Knows admin devices only, all of them running."""

    def __init__(self, servers: Mapping[str, FakeServer]) -> None:
        self._servers = servers

    def process(self, device: str) -> Process:
        return Process(f"life {self._servers[device].life}")

    def present_name(self, name: str) -> str:
        return name

    def default_host(self) -> str:
        return HOST

    def identity(self, host: str) -> str:
        return host

    def address(self, host: str) -> str:
        return host

    def matching(self, host: str, pattern: str) -> tuple[str, ...]:
        del host, pattern
        return ()

    def entry(self, host: str, device: str) -> Entry:
        del host
        return Entry(admin=device, class_name="DServer", exported=True)

    def device_of_alias(self, host: str, alias: str) -> None:
        del host, alias

    def has_query(self, full_name: str) -> bool:
        del full_name
        return False

    def admin_without_database(self, full_name: str) -> str:
        return full_name


class Consumer:
    """Makes of every Snapshot what the device would show."""

    def __init__(self, monitor: Monitor) -> None:
        self._presenter = Presenter(monitor)
        self.shown = 0
        self.answers = 0

    def take(self, snapshot: Any) -> None:
        self._presenter.take(snapshot)
        view = self._presenter.view(event_errors=0)
        self.answers += sum(server.state is ServerState.MONITORED for server in snapshot.servers)
        self.shown += len(readings(view)) > 0 and bool(self._presenter.status(view))


@contextmanager
def running_monitor(
    directory: Path, arguments: argparse.Namespace, properties: Mapping[str, str]
) -> Iterator[Monitor]:
    servers = {f"tango://{HOST}/dserver/bench/{i}": f"bench/server/{i}" for i in range(arguments.servers)}
    fakes = {
        name: FakeServer(device, arguments.streams, arguments.samples) for name, device in servers.items()
    }
    options = replace(
        Options.from_lines({name: [value] for name, value in properties.items()}),
        target_devices=tuple(servers),
        poll_period=3600.0,
        recording_directory=directory,
        max_recording_bytes=FILE_BYTES,
        keep_recordings=3,
        queries_per_poll=1,
    )
    clock = SystemClock()
    poller = Poller(options, clock=clock, connect=fakes.__getitem__, directory=FakeDirectory(fakes))
    monitor = Monitor(options, clock=clock, poller=poller)
    attach_exporters(monitor)
    if options.http_address:
        serve_monitor(monitor)
    with closing(_Stopped(monitor)):
        monitor.start()
        monitor.start_recording("memory")
        yield monitor


class _Stopped:
    def __init__(self, monitor: Monitor) -> None:
        self.close = monitor.stop


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def poll_all(monitor: Monitor, polls: int, marks: int, *, exported: bool) -> list[tuple[int, int]]:
    """(polls, resident bytes), ``marks`` times."""
    found = []
    for poll in range(1, polls + 1):
        monitor.poll_now()
        end = time.monotonic() + SPOOLED_SECONDS
        while exported and any(one.waiting for one in monitor.outlets) and time.monotonic() < end:
            time.sleep(0.001)
        if poll % (polls // marks) == 0:
            found.append((poll, resident_bytes()))
            print(f"{poll} polls: {found[-1][1] / MEGABYTE:.1f} MB", file=sys.stderr, flush=True)
    return found


def report(found: list[tuple[int, int]], monitor: Monitor, seconds: float, *, exported: bool) -> None:
    base = found[WINDOWS_FULL if exported else 0]
    first, last = base[1], found[-1][1]
    rows = [("polls", "resident MB", f"x that after {base[0]}")]
    rows += [(str(n), f"{size / MEGABYTE:.1f}", f"{size / first:.3f}") for n, size in found]
    counts = monitor.snapshot.counts if monitor.snapshot else None
    table(
        f"{found[-1][0]} polls in {seconds:.0f} s; {machine()}\n  "
        f"{monitor.recording.polls} polls and {monitor.recording.bytes / MEGABYTE:.0f} MB recorded; {counts}",
        rows,
    )
    table(
        "Target",
        [
            ("", "measured", "target", ""),
            (
                f"memory after {found[-1][0]} polls / after {base[0]}",
                f"{last / first:.3f}",
                f"flat (<= {GROWTH})",
                verdict(last <= GROWTH * first),
            ),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--polls", type=int, default=3_000)
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--export", action="store_true", help="each poll everywhere")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="stem-bench-"))
        properties = stack.enter_context(takers()).properties(Path(folder)) if arguments.export else {}
        monitor = stack.enter_context(running_monitor(Path(folder), arguments, properties))
        consumer = Consumer(monitor)
        monitor.at_each_poll(consumer.take)
        begun = time.monotonic()
        found = poll_all(monitor, arguments.polls, marks=10, exported=arguments.export)
        report(found, monitor, time.monotonic() - begun, exported=arguments.export)
        check(monitor, consumer, arguments)
        print(f"{len(list(Path(folder).iterdir()))} files kept")


def check(monitor: Monitor, consumer: Consumer, arguments: argparse.Namespace) -> None:
    """A run in which little happened says nothing."""
    health, recording = monitor.health, monitor.recording
    if not recording.active or recording.polls < arguments.polls or consumer.shown < arguments.polls:
        sys.exit(f"not all was recorded and shown: {recording} {health}")
    share = consumer.answers / (arguments.polls * arguments.servers)
    for one in monitor.outlets:
        if one.failed or one.dropped:
            sys.exit(f"not all was exported: {one}")
    if share < 0.8 or health.last_error:
        sys.exit(f"only {share:.0%} of the questions were answered: {health}")


if __name__ == "__main__":
    main()
