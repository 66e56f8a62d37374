"""A report of a large recording: time to make it, its size, and how soon a browser shows the first figure.

A person's browser is running before the page is opened, and so it is here.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.model.mark import Mark, MarkKind
from tests.unit.synthetic_recording import Loss, Outage, Plan, write_recording

MAKE_SECONDS, OPEN_SECONDS, MEGABYTES = 20.0, 3.0, 15.0
SAMPLES, SUBSCRIPTIONS, POLLS, RUNS = 1_000_000, 500, 200, 1000
OPENINGS = 5
STEM = "from stem_device.cli import main; main()"


def marks() -> dict[int, list[Mark]]:
    """Runs of five stages, one after the other, over the whole recording."""
    made: dict[int, list[Mark]] = {}
    start = Plan().start_utc_ns
    length_ns = POLLS * 10 * 10**9 // RUNS
    names = ("begin", "queued", "flashed", "booted", "tested", "end")
    for run in range(RUNS):
        for place, name in enumerate(names):
            emitted = start + run * length_ns + place * length_ns // len(names)
            kind = MarkKind(name) if name in ("begin", "end") else MarkKind.MARK
            mark = Mark(
                kind=kind,
                run=f"run-{run:04d}",
                name=name,
                emitted_utc_ns=emitted,
                received_utc_ns=emitted,
                received_monotonic_ns=0,
            )
            made.setdefault((emitted - start) // (10 * 10**9), []).append(mark)
    return made


def write(path: Path) -> tuple[int, int]:
    """Subscriber samples and subscriptions that were written."""
    losses = [Loss(1 + row * 7 % (POLLS - 1), row % 20, row % 25, 3 + row) for row in range(300)]
    plan = Plan.of_samples(
        SAMPLES,
        subscriptions=SUBSCRIPTIONS,
        polls=POLLS,
        losses=losses,
        outages=(Outage(50, 3, 6),),
        marks=marks(),
    )
    truth = write_recording(path, plan)
    return len(truth.subscriber_samples["server"]), plan.servers * plan.subscriptions


def make(recording: Path, page: Path) -> float:
    """Seconds of the whole command, Python's own start included."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", STEM, "report", recording, "-o", page], check=True, capture_output=True
    )
    return time.perf_counter() - begin


def open_page(page: Path) -> list[tuple[float, float]]:
    """Seconds until the first figure is on the screen and until all are, in a fresh tab each time."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    seconds = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        browser.new_page()
        for _ in range(OPENINGS):
            tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            begin = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-drawn=all]", state="attached", timeout=120_000)
            everything = time.perf_counter() - begin
            # Since the tab began to load; the mark is made after the frame that shows it.
            first = tab.evaluate("performance.getEntriesByName('first figure')[0].startTime") / 1e3
            seconds.append((first, everything))
            tab.close()
        browser.close()
    return seconds


def verdict(value: float, limit: float) -> str:
    return "met" if value < limit else "MISSED"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        recording, page = Path(directory) / "large.h5", Path(directory) / "report.html"
        samples, subscriptions = write(recording)
        made = make(recording, page)
        size = page.stat().st_size / 1e6
        opened = open_page(page)
    first, everything = (statistics.median(times) for times in zip(*opened, strict=True))
    print(
        f"report of {samples:,} received-event samples and as many of pushes, {subscriptions} subscriptions,"
    )
    print(f"{POLLS} polls, {RUNS:,} runs")
    print(f"  made in {made:.1f} s (target: under {MAKE_SECONDS:.0f} s): {verdict(made, MAKE_SECONDS)}")
    print(f"  size {size:.1f} MB (target: under {MEGABYTES:.0f} MB): {verdict(size, MEGABYTES)}")
    met = verdict(first, OPEN_SECONDS)
    print(f"  first figure after {first:.2f} s (target: under {OPEN_SECONDS:.0f} s): {met};", end=" ")
    print(f"all of them after {everything:.2f} s; medians of {OPENINGS} fresh tabs")


if __name__ == "__main__":
    main()
