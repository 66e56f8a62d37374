"""What a duration sample costs: ours against histograms of prometheus_client and OpenTelemetry.

The peers count in buckets and write nothing. "flushed" is ours with all rows in files: CPU time of the whole
process, the writer's thread included. The floor is two readings of the clock and a list.

Last, what a monitor's telemetry of itself costs each poll: phases as durations, and all of it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import Histogram
from stage import machine, table, verdict

from stem_device import telemetry
from stem_device.model.poll import PHASES, PollPhases
from stem_device.monitor.poll_durations import PollDurations
from stem_device.monitor.processes import ProcessWatch

MIB = 1 << 20
LABEL = "a command"

prometheus = Histogram("duration_seconds", "duration")
_provider = MeterProvider(metric_readers=[InMemoryMetricReader()])
opentelemetry = _provider.get_meter("benchmark").create_histogram("duration")


def floor(count: int) -> None:
    durations = []
    clock = time.perf_counter_ns
    for _ in range(count):
        began = clock()
        durations.append(clock() - began)


def prometheus_time(count: int) -> None:
    for _ in range(count):
        with prometheus.time():
            pass


def opentelemetry_record(count: int) -> None:
    for _ in range(count):
        began = time.perf_counter()
        opentelemetry.record(time.perf_counter() - began, {"label": LABEL})


def start_and_stop(count: int) -> None:
    for _ in range(count):
        telemetry.stop_duration_sample(LABEL, telemetry.start_duration_sample())


def time_it(count: int) -> None:
    for _ in range(count):
        with telemetry.time_it(LABEL):
            pass


def flushed(count: int) -> None:
    start_and_stop(count)
    telemetry.flush()


COLLECTING = {
    "floor": floor,
    "prometheus_client Histogram.time()": prometheus_time,
    "OpenTelemetry Histogram.record()": opentelemetry_record,
    "start_ and stop_duration_sample": start_and_stop,
    "with time_it": time_it,
}


def microseconds(work: Callable[[int], None], count: int) -> float:
    """CPU time of the process, a sample."""
    before = time.process_time_ns()
    work(count)
    return (time.process_time_ns() - before) / count / 1e3


def collecting(rounds: int, directory: Path) -> dict[str, float]:
    """The least of all rounds; the buffer holds a round, so that nothing is flushed in one."""
    count = 50_000
    telemetry.start(directory, memory_bytes=64 * MIB, flush_bytes=32 * MIB, flush_seconds=3600)
    turns: dict[str, list[float]] = {name: [] for name in COLLECTING}
    for _ in range(rounds):
        for name, work in COLLECTING.items():
            turns[name].append(microseconds(work, count))
            telemetry.flush()
    telemetry.stop()
    return {name: min(values) for name, values in turns.items()}


def with_files(count: int, rounds: int, directory: Path) -> tuple[float, float, float]:
    """(least, median) a sample, and files a MiB."""
    telemetry.start(directory)
    used = [microseconds(flushed, count) for _ in range(rounds)]
    telemetry.stop()
    sizes = [path.stat().st_size for path in directory.glob("duration.*.csv")]
    health = telemetry.health()
    assert health.lost == 0, health
    return min(used), statistics.median(used), len(sizes) / (sum(sizes) / MIB)


def of_itself(rounds: int) -> dict[str, float]:
    """us of CPU a poll, the least of all rounds."""
    durations, watch = PollDurations(), ProcessWatch(())
    phases = PollPhases(*[0.01] * len(PHASES))

    def phases_alone(count: int) -> None:
        for _ in range(count):
            durations.of(1, 0.1, phases)

    def everything(count: int) -> None:
        for _ in range(count):
            watch.take(durations.of(1, 0.1, phases))

    watch.start()
    try:
        return {
            name: min(microseconds(work, 1000) for _ in range(rounds))
            for name, work in {"phases": phases_alone, "with memory, CPU, pauses": everything}.items()
        }
    finally:
        watch.stop(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000, help="samples that are written to files")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of collecting, in turns")
    parser.add_argument("--flushed-rounds", type=int, default=3, help="rounds with files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        alone = collecting(arguments.rounds, Path(directory) / "collecting")
        written = Path(directory) / "written"
        least, median, files = with_files(arguments.samples, arguments.flushed_rounds, written)
    own = [("us of CPU a poll", "least"), *((name, f"{us:.1f}") for name, us in of_itself(9).items())]
    peer = alone["prometheus_client Histogram.time()"]
    rows = [("us of CPU a sample", "least", "of the peer")]
    rows += [(name, f"{value:.2f}", f"{value / peer:.2f}") for name, value in alone.items()]
    rows += [("flushed", f"{least:.2f}", f"{least / peer:.2f}"), ("flushed, median", f"{median:.2f}", "")]
    table(f"Rounds of 50,000 samples in turns; {arguments.samples:,} flushed\n  {machine()}", rows)
    table("A monitor's telemetry of itself", own)
    half = alone["start_ and stop_duration_sample"] / peer
    table(
        "Targets",
        [
            ("", "measured", "target", ""),
            ("collecting alone / the peer", f"{half:.2f}", "<= 0.5", verdict(half <= 0.5)),
            ("flushing included, us", f"{least:.2f}", "<= 1.5", verdict(least <= 1.5)),
            ("flushing included / the peer", f"{least / peer:.2f}", "<= 1", verdict(least <= peer)),
            ("files a MiB", f"{files:.3f}", "<= 1", verdict(files <= 1)),
        ],
    )


if __name__ == "__main__":
    main()
