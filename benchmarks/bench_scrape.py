"""How long a scrape of 10,000 series with five labels takes while polls go on, and what rendering them takes.

    python benchmarks/bench_scrape.py [seconds]

The port runs in one process with a thread that hands it a new Snapshot each second, as a monitor does; the
scrapes come from another one. Target: p99 under 50 ms.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

from prometheus_client.openmetrics.exposition import generate_latest

from stem_device.catalogue import Accumulation, Details, series_of
from stem_device.model.options import Address, HttpOptions
from stem_device.model.snapshot import Snapshot
from stem_device.web.exposition import Exposition
from stem_device.web.port import Port
from stem_device.web.rendering import Renderer, TextFormat, families_of
from stem_device.web.source import Content, Health
from tests.unit.made_snapshots import server, snapshot, subscription

SERIES = 10_000
BY_SUBSCRIPTION = 8
"""Series of each subscription, which have five labels."""
PERIOD_SECONDS = 1.0


class Fixed:
    """A source that only has metrics."""

    def __init__(self) -> None:
        self._exposition = Exposition()
        self._total = Accumulation()

    def take(self, one: Snapshot) -> None:
        made = self._total.add(one, series_of(one, None, Details.ALL))
        self._exposition.renew(lambda _: made)

    def health(self) -> Health:
        return Health(alive=True, ready=True, told={})

    def ready_metrics(self, accept: str, details: Details) -> Content | None:
        return self._exposition.ready(accept, details)

    def metrics(self, accept: str, details: Details) -> Content:
        return self._exposition.content(accept, details)

    def snapshot(self) -> Snapshot:
        raise NotImplementedError

    def page(self) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        pass


def many(series: int) -> Snapshot:
    rows = [
        subscription(
            f"tango://control.example.org:10000/lab/device{number // 50}/{number}/attribute.idl5_change",
            lag_seconds=0.5,
        )
        for number in range(series // BY_SUBSCRIPTION)
    ]
    return snapshot(*(server(f"dserver/slow/{n}", *rows[n::10]) for n in range(10)))


SCRAPER = """
import http.client, sys, time
host, seconds = sys.argv[1], float(sys.argv[2])
connection, taken, size = http.client.HTTPConnection(host), [], 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    begin = time.perf_counter()
    connection.request("GET", "/metrics?details=all", headers={"Accept": "application/openmetrics-text"})
    body = connection.getresponse().read()
    taken.append(time.perf_counter() - begin)
    size = len(body)
    time.sleep(0.02)
taken.sort()
print(len(taken), size, *(taken[int(share * (len(taken) - 1))] * 1000 for share in (0.5, 0.99, 1.0)))
"""


def main(seconds: float) -> None:
    source = Fixed()
    port = Port(source, HttpOptions(http_address=Address("127.0.0.1", 0)))
    stopped = threading.Event()
    one = many(SERIES)

    source.take(one)

    def poll() -> None:
        number = 0
        while not stopped.wait(PERIOD_SECONDS):
            number += 1
            source.take(replace(one, poll=number))

    thread = threading.Thread(target=poll)
    thread.start()
    host = port.url.partition("//")[2]
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/metrics?details=all")
    lines = connection.getresponse().read().decode().splitlines()
    print(f"{sum(line[0] != '#' for line in lines):,} series")
    scraper = [sys.executable, "-c", SCRAPER, host, str(seconds)]
    told = subprocess.run(scraper, check=True, capture_output=True, text=True).stdout.split()
    stopped.set()
    thread.join()
    port.close()
    count, size, median, p99, longest = (float(word) for word in told)
    print(f"{count:,.0f} scrapes of {size / 1e6:.1f} MB: median {median:.1f} ms, p99 {p99:.1f} ms", end="")
    print(f", longest {longest:.1f} ms (target: p99 under 50 ms)")
    against_the_library(one)


def against_the_library(one: Snapshot) -> None:
    """CPU of one rendering, least of five."""
    series = series_of(one, None, Details.ALL)
    renderer = Renderer()

    def library() -> bytes:
        made: bytes = generate_latest(SimpleNamespace(collect=lambda: families_of(series)))
        return made

    def own() -> bytes:
        return renderer.render(series, TextFormat.OPEN_METRICS)

    assert own() == library()
    seconds = {name: min(cpu(render) for _ in range(5)) for name, render in (("own", own), ("peer", library))}
    print(f"rendering, once a poll: {1000 * seconds['own']:.0f} ms of CPU", end="")
    print(f", client library {1000 * seconds['peer']:.0f} ms: {seconds['own'] / seconds['peer']:.2f}")


def cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
