"""500 streams and 500 subscriptions, every second, exported everywhere: CPU, and endpoints that are away.

10 targets with 50 streams and 50 subscriptions each. The same monitor in turns: with nothing on; recorded and
sampled; and besides with the HTTP port (all series asked for every second), OpenTSDB, Elasticsearch and OTLP.
In turns with that, one endpoint is dead and one answers a byte a second. At last all 500 subscriptions lose
events, so that each has series of its own everywhere.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from stage import MonitorServer, Stage, machine, table, verdict
from takers import Takers, takers

SHARE = 0.5
LONGER = 1.2
TARGETS = 10
STREAMS = 50
RELAYS = {"Streams": STREAMS, "EventsPerSecond": 100, "Samples": 20}
LOSES_ONE_IN = 10
RECORDED = {"RecordOnStart": "true", "MonitorPerformance": "true"}


class Sent(NamedTuple):
    """What became of the polls of one outlet."""

    sent: int
    failed: int
    dropped: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Phase:
    """What one monitor showed; ``durations`` of its polls in seconds."""

    name: str
    cpu_share: float
    polls: int
    overruns: int
    durations: list[float]
    outlets: dict[str, Sent]

    @property
    def duration(self) -> float:
        return statistics.median(self.durations)

    def row(self) -> tuple[str, ...]:
        return (
            self.name,
            f"{self.cpu_share:.1%}",
            f"{self.polls}",
            f"{self.overruns}",
            f"{self.duration * 1e3:.0f}",
            f"{max(self.durations) * 1e3:.0f}",
        )


HEADER = ("", "CPU of one core", "polls", "overruns", "pollDuration ms", "longest")


class Bench:
    """Runs one monitor after the other."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        self._stage = stage
        self._seconds = seconds

    def run(self, name: str, targets: Sequence[str], properties: Mapping[str, str]) -> Phase:
        monitor = self._stage.monitor(targets, {"PollPeriod": "1", **NOTHING, **properties})
        try:
            monitor.wait_monitored(len(targets))
            with scraped(str(monitor.value("httpUrl") or "")):
                return self._observe(name, monitor)
        finally:
            monitor.process.stop()

    def _observe(self, name: str, monitor: MonitorServer) -> Phase:
        monitor.wait_polls(4)
        polls, overruns = monitor.number("pollNumber"), monitor.number("pollOverruns")
        begun, used, durations = time.monotonic(), monitor.cpu_seconds(), []
        while time.monotonic() - begun < self._seconds:
            time.sleep(1.0)
            durations.append(monitor.number("pollDuration"))
        share = (monitor.cpu_seconds() - used) / (time.monotonic() - begun)
        return Phase(
            name=name,
            cpu_share=share,
            polls=int(monitor.number("pollNumber") - polls),
            overruns=int(monitor.number("pollOverruns") - overruns),
            durations=durations,
            outlets=outlets(monitor),
        )


NOTHING = dict.fromkeys(
    ("HttpAddress", "OpenTsdbUrl", "EsConfigFile", "EsSpoolDirectory", "OtlpEndpoint"), ""
) | dict.fromkeys(RECORDED, "false")


def outlets(monitor: MonitorServer) -> dict[str, Sent]:
    columns = (monitor.value(f"outlet{what}") for what in ("Names", "Sent", "Failed", "Dropped", "Waiting"))
    return {name: Sent(*map(int, counts)) for name, *counts in zip(*columns, strict=True)}


@contextmanager
def scraped(url: str) -> Iterator[None]:
    """All series are asked for every second, where there is a port."""
    done, failures = threading.Event(), []

    def scrape() -> None:
        while not done.wait(1.0):
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
            try:
                connection.request("GET", "/metrics?details=all")
                answer = connection.getresponse()
                if answer.status != 200 or b"stem_stream_events_published_total" not in answer.read():
                    failures.append(f"answered {answer.status}")
            except OSError as error:
                failures.append(repr(error))
            finally:
                connection.close()

    thread = threading.Thread(target=scrape, daemon=True)
    if url:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if url:
            thread.join()
    if failures:
        sys.exit(f"scrapes failed: {failures}")


def together(turns: Sequence[Phase]) -> Phase:
    """Several turns of one case; outlets of the last."""
    return Phase(
        name=turns[0].name,
        cpu_share=statistics.mean(turn.cpu_share for turn in turns),
        polls=turns[-1].polls,
        overruns=sum(turn.overruns for turn in turns),
        durations=[duration for turn in turns for duration in turn.durations],
        outlets=turns[-1].outlets,
    )


def check(everything: Phase, away: Phase, lossy: Phase) -> None:
    """What was not sent says nothing."""
    for phase in (everything, lossy):
        for name in ("opentsdb", "elasticsearch", "otlp", "recording", "http"):
            one = phase.outlets[name]
            if one.failed or one.dropped or not one.sent:
                sys.exit(f"{phase.name}: {name} does not take all polls: {one}")
    dead, slow = away.outlets["opentsdb"], away.outlets["otlp"]
    if dead.sent or slow.sent or not dead.failed:
        sys.exit(f"{away.name}: they are not: {dead} {slow}")


def judge(nothing: Phase, everything: Phase, away: Phase, lossy: Phase) -> list[tuple[str, ...]]:
    rows = [("", "measured", "target", "")]
    for phase in (everything, away, lossy):
        share = phase.cpu_share
        ratio = share / nothing.cpu_share
        rows.append(
            (
                f"CPU of one core, {phase.name}",
                f"{share:.1%}, {ratio:.1f} times as much as with nothing on",
                f"< {SHARE:.0%}",
                verdict(share < SHARE),
            )
        )
    longer = away.duration / everything.duration
    rows.append(
        (
            "pollDuration with endpoints away / without",
            f"{longer:.2f}",
            f"<= {LONGER}",
            verdict(longer <= LONGER),
        )
    )
    overruns = everything.overruns + away.overruns + lossy.overruns
    return [*rows, ("overruns", f"{overruns}", "0", verdict(overruns == 0))]


def run(stage: Stage, taken: Takers, seconds: float) -> list[Phase]:
    _, names = stage.relays("good", TARGETS, RELAYS)
    _, lossy = stage.relays("lossy", TARGETS, RELAYS | {"LosesOneIn": LOSES_ONE_IN})
    bench = Bench(stage, seconds)
    exported = RECORDED | taken.properties(stage.directory)
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and does not listen
        away = {"OpenTsdbUrl": f"http://127.0.0.1:{dead.getsockname()[1]}", "OtlpEndpoint": taken.slow}
        nothing = bench.run("nothing on", names, {})
        recorded = bench.run("recorded, 40 samples each", names, RECORDED)
        turns = [
            (
                bench.run("everything on", names, exported),
                bench.run("everything on, one dead, one slow", names, exported | away),
            )
            for _ in range(2)
        ]
        everything, without = (together(each) for each in zip(*turns, strict=True))
        return [nothing, recorded, everything, without, bench.run("all lose events", lossy, exported)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each phase")
    arguments = parser.parse_args()
    with Stage() as stage, takers() as taken:
        phases = run(stage, taken, arguments.seconds)
    nothing, _, everything, away, lossy = phases
    title = f"{TARGETS} targets, {TARGETS * STREAMS} streams and subscriptions, every second; {machine()}"
    table(title, [HEADER, *(phase.row() for phase in phases)])
    for phase in (everything, away, lossy):
        told = ", ".join(f"{name} {'/'.join(map(str, one))}" for name, one in phase.outlets.items())
        print(f"{phase.name}: polls sent/failed/dropped/waiting: {told}")
    table("Targets", judge(nothing, everything, away, lossy))
    check(everything, away, lossy)


if __name__ == "__main__":
    main()
