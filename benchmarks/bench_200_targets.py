"""200 targets with 50 streams and 50 subscriptions each, every second: CPU, overruns, one target that hangs.

One process has 200 devices that answer for 200 servers, a second one has one more, which is stopped (SIGSTOP)
for a phase. When they were asked is taken down by the relays themselves. In the last phase sampling is on
and everything is recorded.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import pairwise

import tango
from stage import MonitorServer, Stage, machine, table, verdict

from stem_device.demo.processes import wait_until

SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase showed. Seconds; ``gaps`` are the times between two questions to one relay, of all."""

    name: str
    cpu_share: float
    polls: int
    overruns: int
    duration: float
    spread: float
    gaps: list[float]

    def row(self) -> tuple[str, ...]:
        return (
            self.name,
            f"{self.cpu_share:.1%}",
            f"{self.polls}",
            f"{self.overruns}",
            f"{self.duration * 1e3:.0f}",
            f"{self.spread * 1e3:.0f}",
            f"{statistics.median(self.gaps):.3f}",
            f"{min(self.gaps):.3f}",
            f"{max(self.gaps):.3f}",
        )


HEADER = (
    "phase",
    "CPU of one core",
    "polls",
    "overruns",
    "pollDuration ms",
    "pollSpread ms",
    "asked every s",
    "min",
    "max",
)


def observe(name: str, monitor: MonitorServer, relays: list[tango.DeviceProxy], seconds: float) -> Phase:
    """Let it run for a while; the medians of what the device says of its polls."""
    monitor.wait_polls(2)
    for relay in relays:
        relay.TakeTimes()
    polls, overruns = monitor.number("pollNumber"), monitor.number("pollOverruns")
    begun, used = time.monotonic(), monitor.cpu_seconds()
    durations, spreads = [], []
    while time.monotonic() - begun < seconds:
        time.sleep(1.0)
        durations.append(monitor.number("pollDuration"))
        spreads.append(monitor.number("pollSpread"))
    share = (monitor.cpu_seconds() - used) / (time.monotonic() - begun)
    return Phase(
        name=name,
        cpu_share=share,
        polls=int(monitor.number("pollNumber") - polls),
        overruns=int(monitor.number("pollOverruns") - overruns),
        duration=statistics.median(durations),
        spread=statistics.median(spreads),
        gaps=[gap for relay in relays for gap in gaps_between(relay.TakeTimes())],
    )


def gaps_between(times: list[float]) -> list[float]:
    ordered = sorted(times)
    return [later - earlier for earlier, later in pairwise(ordered)]


def lateness(phase: Phase, period: float) -> float:
    """How far the times between two questions are from the period, 99 % quantile."""
    return statistics.quantiles([abs(gap - period) for gap in phase.gaps], n=100)[98]


def judge(quiet: Phase, hung: Phase, period: float) -> list[tuple[str, ...]]:
    late, usual = (lateness(phase, period) for phase in (hung, quiet))
    overruns = quiet.overruns + hung.overruns
    return [
        ("", "measured", "target", ""),
        ("CPU of one core", f"{quiet.cpu_share:.1%}", f"< {SHARE:.0%}", verdict(quiet.cpu_share < SHARE)),
        (
            "the same with one hung",
            f"{hung.cpu_share:.1%}",
            f"< {SHARE:.0%}",
            verdict(hung.cpu_share < SHARE),
        ),
        ("overruns", f"{overruns}", "0", verdict(overruns == 0)),
        (
            "cadence of the others, 99 % within",
            f"{late * 1e3:.0f} ms",
            f"as without: {usual * 1e3:.0f} ms",
            verdict(late < usual + period / 20),
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each phase")
    parser.add_argument("--period", type=float, default=1.0)
    arguments = parser.parse_args()
    properties = {"Streams": 50, "EventsPerSecond": 20, "Samples": 20}
    with Stage() as stage:
        _, names = stage.relays("many", arguments.targets, properties)
        victim, victims = stage.relays("victim", 1, properties)
        monitor = stage.monitor([*names, *victims], {"PollPeriod": f"{arguments.period:g}"})
        monitor.wait_monitored(len(names) + 1)
        relays = [tango.DeviceProxy(name) for name in names]
        quiet = observe("all answer", monitor, relays, arguments.seconds)
        victim.signal(signal.SIGSTOP)
        wait_until(lambda: monitor.number("unreachableServers") == 1, "the hung target to be noticed")
        hung = observe("one hangs", monitor, relays, arguments.seconds)
        if monitor.number("monitoredServers") != len(names):
            sys.exit(f"not all others are monitored: {monitor.proxy.status()[:1000]}")
        victim.signal(signal.SIGCONT)
        monitor.wait_monitored(len(names) + 1)
        monitor.proxy.StartRecording("benchmark")
        recorded = observe("all answer, recorded, 40 samples each", monitor, relays, arguments.seconds)
        table(
            f"{arguments.targets} targets, 50 streams and 50 subscriptions each, "
            f"every {arguments.period:g} s; {machine()}",
            [HEADER, quiet.row(), hung.row(), recorded.row()],
        )
        table("Targets", judge(quiet, hung, arguments.period))


if __name__ == "__main__":
    main()
