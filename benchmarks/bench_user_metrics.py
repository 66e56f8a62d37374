"""Users' metrics: what add_data costs its caller, and what one monitor takes without a lost poll.

Run with: python benchmarks/bench_user_metrics.py
"""

from __future__ import annotations

import multiprocessing
import time

import tango

from stem_device.model.options import Address, Options
from stem_device.monitor import Monitor
from stem_device.telemetry import Telemetry
from stem_device.web import serve_monitor

CALLS = 200_000
RATE = 100_000
SECONDS = 10
SENDERS = 2
PERIOD = 0.5


def caller(url: str) -> None:
    """At 20,000 calls/s, as a busy program has them; each call is timed."""
    telemetry = Telemetry(url)
    took = []
    for number in range(CALLS):
        begun = time.perf_counter_ns()
        telemetry.add_data("bench/caller", number)
        took.append(time.perf_counter_ns() - begun)
        if not number % 200:
            time.sleep(0.01)
    took.sort()
    telemetry.finalize()
    health = telemetry.health()
    print(f"add_data: median {took[CALLS // 2]} ns, p99 {took[CALLS * 99 // 100]} ns (at most 5000)")
    print(f"  of {health.offered} points {health.sent} sent, {health.dropped} dropped")


def sender(url: str, rate: int) -> None:
    telemetry = Telemetry(url, telem_cfg={"collector_rate": 0.2, "max_points": 10 * RATE})
    begun = time.monotonic()
    sent = 0
    while sent < rate * SECONDS:
        for _ in range(rate // 100):
            telemetry.add_data("bench/rate", sent)
            sent += 1
        time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
    telemetry.finalize()
    assert telemetry.health().sent == rate * SECONDS, telemetry.health()


def accepted(monitor: Monitor, url: str) -> None:
    before, polls = monitor.metrics.counts.taken, monitor.poll_now().poll
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=sender, args=(url, RATE // SENDERS)) for _ in range(SENDERS)]
    begun = time.monotonic()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.monotonic() - begun
    snapshot = monitor.poll_now()
    taken = monitor.metrics.counts.taken - before
    print(
        f"accepted: {taken} points of {RATE * SECONDS} in {seconds:.1f} s with the start of the senders, "
        f"{snapshot.poll - polls} polls of {PERIOD} s, {snapshot.overruns_total} lost"
    )


def main() -> None:
    tango.ApiUtil.instance()
    address = Address("127.0.0.1", 0)
    monitor = Monitor(Options(http_address=address, poll_period=PERIOD, max_metric_rate=0))
    url = serve_monitor(monitor).url
    monitor.start()
    try:
        spawn = multiprocessing.get_context("spawn")
        alone = spawn.Process(target=caller, args=(url,))
        alone.start()
        alone.join()
        for _ in range(2):  # the second time with a million points stored
            accepted(monitor, url)

    finally:
        monitor.stop()


if __name__ == "__main__":
    main()
