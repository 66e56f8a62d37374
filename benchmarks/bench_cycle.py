"""CPU of a full cycle (query, parse, account, record, attributes and events) against two peers.

The floor is the remote call alone, as one process makes it on one proxy after the other. The peer to beat is
the script that somebody would write in an hour: tango.Group, json, statistics, one JSON line a poll. All ask
the same relays with full sample buffers, at the same period, in turns; the medians of the turns are compared.

With ``--against COMMIT`` it is the engine of this tree against that of another commit instead, part by part.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import against
import tango
from stage import MonitorServer, Stage, at_period, machine, table, verdict

from stem_device.model.options import Options
from stem_device.monitor import Monitor

ATTRIBUTES = ("totalMissedEvents", "receivedRate", "serverReceivedEvents", "latestSnapshot", "State")
TIMINGS = {
    "server": ("micros_since_last_event", "push_event_micros"),
    "client": (
        "micros_since_last_event",
        "sleep_micros",
        "process_micros",
        "first_callback_latency_micros",
    ),
}
IDLE_SECONDS = "3600"

Turn = Callable[[int, float], float]
"""So many polls at a period -> CPU seconds."""


def in_this_process(poll: Callable[[], object]) -> Turn:
    def turn(polls: int, period_seconds: float) -> float:
        used = 0.0
        for _ in at_period(polls, period_seconds):
            before = time.process_time()
            poll()
            used += time.process_time() - before
        return used

    return turn


def of_server(monitor: MonitorServer) -> Turn:
    """It polls by its own clock; idle while it is not its turn."""

    def turn(polls: int, period_seconds: float) -> float:
        monitor.proxy.write_attribute("pollPeriod", period_seconds)
        monitor.wait_polls(2)
        polled, used = monitor.number("pollNumber"), monitor.cpu_seconds()
        time.sleep(polls * period_seconds)
        polled, used = monitor.number("pollNumber") - polled, monitor.cpu_seconds() - used
        monitor.proxy.write_attribute("pollPeriod", float(IDLE_SECONDS))
        return used / polled * polls

    return turn


def plain_script(names: list[str], file: IO[str]) -> Callable[[], None]:
    group = tango.Group("all")
    for name in names:
        group.add(name)

    def poll() -> None:
        replies = group.command_inout("QueryEventSystem")
        data = {reply.dev_name(): json.loads(reply.get_data()) for reply in replies}
        summaries = {name: summarise(reply) for name, reply in data.items()}
        line = {"time": time.time(), "replies": {name: {"data": reply} for name, reply in data.items()}}
        file.write(json.dumps(line | {"summaries": summaries}) + "\n")
        file.flush()

    return poll


def summarise(reply: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Every timing of one server: what the statistics module has for it."""
    found = {}
    for side, fields in TIMINGS.items():
        for field in fields:
            values = [sample[field] for sample in reply[side]["perf"] or () if sample[field] is not None]
            if len(values) > 1:
                found[f"{side} {field}"] = _summary(values)
    return found


def _summary(values: list[int]) -> dict[str, float]:
    percentiles = statistics.quantiles(values, n=100)
    return {
        "count": len(values),
        "mean": statistics.mean(values),
        "stdev": statistics.stdev(values),
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "q01": percentiles[0],
        "q10": percentiles[9],
        "q90": percentiles[89],
        "q99": percentiles[98],
    }


def engine(names: list[str], directory: Path) -> Monitor:
    """The Monitor and its recording, without a device."""
    options = Options(
        target_devices=tuple(names),
        poll_period=float(IDLE_SECONDS),
        recording_directory=directory,
        queries_per_poll=1,
    )
    monitor = Monitor(options)
    monitor.start()
    monitor.start_recording("engine")
    return monitor


def subscribe(monitor: MonitorServer) -> list[int]:
    """As a client with a panel open would."""
    return [
        monitor.proxy.subscribe_event(name, tango.EventType.CHANGE_EVENT, lambda _: None)
        for name in ATTRIBUTES
    ]


def measure(turns: dict[str, Turn], rounds: int, polls: int, period: float, targets: int) -> dict[str, float]:
    """CPU milliseconds a poll and server: the median of the rounds."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            found[name].append(turn(polls, period) / polls / targets * 1e3)
    return {name: statistics.median(values) for name, values in found.items()}


def report(cpu: dict[str, float], arguments: argparse.Namespace, samples_recorded: object) -> None:
    bare, plain = cpu["bare calls"], cpu["plain script"]
    rows = [("what", "CPU ms a poll and server", "x bare", "x plain script")]
    rows += [(n, f"{value:.3f}", f"{value / bare:.2f}", f"{value / plain:.2f}") for n, value in cpu.items()]
    table(
        f"{arguments.targets} targets, 50 streams, 256 + 256 samples in every reply; "
        f"{arguments.rounds} rounds of {arguments.polls} polls every {arguments.period:g} s; "
        f"polls recorded by the device: {samples_recorded}\n  {machine()}",
        rows,
    )
    full = cpu["full cycle (device)"]
    table(
        "Targets",
        [
            ("ratio", "measured", "target", ""),
            ("full cycle / bare calls", f"{full / bare:.2f}", "<= 8", verdict(full <= 8 * bare)),
            ("full cycle / plain script", f"{full / plain:.2f}", "<= 0.33", verdict(full <= plain / 3)),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--samples", type=int, default=256, help="of each kind in a reply, against a commit")
    parser.add_argument("--rounds", type=int, help="3; 10 against a commit")
    parser.add_argument("--polls", type=int, default=12, help="a round and contestant")
    parser.add_argument("--period", type=float, default=0.25, help="seconds")
    parser.add_argument(
        "--against", metavar="COMMIT", help="compare with the package of that commit, say 4940dc1"
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (10 if arguments.against else 3)
    if arguments.against:
        against.compare(
            arguments.against,
            targets=arguments.targets,
            samples=arguments.samples,
            rounds=arguments.rounds,
            polls=arguments.polls,
            period=arguments.period,
        )
        return
    with Stage() as stage, (stage.directory / "plain.jsonl").open("w") as file:
        _, names = stage.relays("busy", arguments.targets, {"SamplingAtStart": True})
        # Relays always have full buffers, however often they are asked; real servers would not.
        monitor = stage.monitor(names, {"PollPeriod": "0.25", "QueriesPerPoll": "1"})
        monitor.wait_monitored(len(names))
        monitor.proxy.StartRecording("device")
        subscriptions = subscribe(monitor)
        proxies = [tango.DeviceProxy(name) for name in names]
        own = engine(names, stage.directory)
        try:
            turns: dict[str, Turn] = {
                "bare calls": in_this_process(lambda: [p.command_inout("QueryEventSystem") for p in proxies]),
                "full cycle (device)": of_server(monitor),
                "engine with recording": in_this_process(own.poll_now),
                "plain script": in_this_process(plain_script(names, file)),
            }
            measure(turns, 1, 4, arguments.period, len(names))  # warm up
            cpu = measure(turns, arguments.rounds, arguments.polls, arguments.period, len(names))
            check(monitor, own)
            report(cpu, arguments, monitor.value("recordedPolls"))
        finally:
            own.stop()
            for subscription in subscriptions:
                monitor.proxy.unsubscribe_event(subscription)


def check(monitor: MonitorServer, own: Monitor) -> None:
    """A contestant that did not do its work does not count."""
    if not own.recording.active or not monitor.value("recording"):
        sys.exit(f"nothing was recorded: {own.recording.error} {monitor.value('recordingError')}")
    if own.snapshot is None or not len(own.snapshot.publisher_samples.server):
        sys.exit("no samples came in")


if __name__ == "__main__":
    main()
