"""The pictures of the how-tos: the demo, and the real tools that show its losses, in a real browser.

``make pictures`` makes all of them in three minutes. It needs Debian's prometheus and chromium.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page

from stem_device.demo.processes import ChildProcess
from tests.system.prometheus_server import Prometheus, prometheus
from tests.system.report_page import browser

WATCHED_SECONDS = 75.0
"""Some rounds of the demo, each with a loss."""
REPORTED_SECONDS = 30
"""As long as ``make demo`` runs."""
WIDTH = 1100
LIMIT_MILLISECONDS = 150_000
"""For the live page, which is made when somebody asks."""
QUERY = "increase(stem_subscriber_events_missed_total[1m])"


class Shop:
    """What there is to take pictures of."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.report = recorded_report(folder)
        keep = [sys.executable, "-m", "stem_device", "demo", "--keep", "--plain", "--seconds", "1"]
        demo = ChildProcess(keep, log=folder / "demo.log", ready_line="export TANGO_HOST=")
        stack.enter_context(demo)
        (host,) = re.findall(r"export TANGO_HOST=(\S+)", demo.output())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        monitor = [sys.executable, "-m", "stem_device", "monitor", "dserver/StemDemo/*", "-p", "1"]
        running = ChildProcess(
            [*monitor, "--http", str(port)],
            log=folder / "monitor.log",
            environment={**os.environ, "TANGO_HOST": host},
        )
        stack.enter_context(running).wait_ready(self._ready, limit_seconds=60)
        self.prometheus: Prometheus = stack.enter_context(prometheus(self.url, folder))

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def recorded_report(folder: Path) -> Path:
    """The report of the recording of a demo that has ended."""
    report = folder / "report.html"
    stem = [sys.executable, "-m", "stem_device"]
    demo = [*stem, "demo", "--plain", "--seconds", str(REPORTED_SECONDS), "--recordings", str(folder)]
    subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
    (recording,) = folder.glob("*.h5")
    subprocess.run([*stem, "report", str(recording), "-o", str(report)], check=True)
    return report


def report(page: Page, shop: Shop) -> None:
    """The report of a recording, down to the pauses above the events that were lost."""
    page.goto(shop.report.as_uri())
    page.wait_for_selector("html[data-drawn=all]", state="attached", timeout=LIMIT_MILLISECONDS)


def live_page(page: Page, shop: Shop) -> None:
    """The report page of a monitor that runs."""
    page.goto(shop.url, timeout=LIMIT_MILLISECONDS)
    page.wait_for_selector("html[data-drawn=all]", state="attached", timeout=LIMIT_MILLISECONDS)


def metrics(page: Page, shop: Shop) -> None:
    """What Prometheus gets, as a browser shows it."""
    page.goto(f"{shop.url}/metrics")
    page.evaluate("document.querySelector('pre').style.fontSize = '12px'")


def prometheus_graph(page: Page, shop: Shop) -> None:
    """A query in Prometheus' own page."""
    asked = {"g0.expr": QUERY, "g0.tab": "0", "g0.range_input": "2m"}
    page.goto(f"{shop.prometheus.url}/classic/graph?{urllib.parse.urlencode(asked)}")
    page.wait_for_timeout(4000)


def prometheus_alerts(page: Page, shop: Shop) -> None:
    """The alerts of the shipped rules, without the folder that they happen to be in."""
    page.goto(f"{shop.prometheus.url}/classic/alerts")
    page.wait_for_timeout(2000)
    page.evaluate(_NO_FOLDER)


_NO_FOLDER = """
for (const each of document.querySelectorAll('td, div'))
    for (const text of each.childNodes)
        if (text.nodeType == 3) text.data = text.data.replace(/\\/\\S*\\/(?=\\w+\\.yaml)/, 'stem-');
"""

PICTURES: dict[str, tuple[Callable[[Page, Shop], None], int]] = {
    "report": (report, 2220),
    "live-page": (live_page, 640),
    "metrics": (metrics, 480),
    "prometheus-graph": (prometheus_graph, 800),
    "prometheus-alerts": (prometheus_alerts, 640),
}
"""By the name of the file: how it comes about, and its height."""


def main(folder: Path) -> None:
    """Write all pictures there."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stem-pictures-")))
        shop = Shop(stack, scratch)
        running = stack.enter_context(browser())
        time.sleep(WATCHED_SECONDS)
        for name, (show, height) in PICTURES.items():
            page = running.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
            show(page, shop)
            page.screenshot(path=folder / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
