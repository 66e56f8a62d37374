"""A script for the earlier package runs unchanged but for the imports; its files are read field by field."""

from __future__ import annotations

import pstats
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.telemetry.earlier_format import read

pytestmark = pytest.mark.extras

LABELS = ("gc collections", "gc collected", "gc uncollectable", "user time", "system time", "max rss")
EARLIER = "from server.telemetry import monitor\nfrom server.telemetry.monitor import time_it\n"
OURS = "from stem_device import telemetry as monitor\nfrom stem_device.telemetry import time_it\n"
SCRIPT = (
    EARLIER
    + """
import os, sys, threading, time

@time_it(label="add up")
def add_up(count):
    return sum(range(count))

def request(path, method):
    sample_id = monitor.start_duration_sample()
    try:
        time.sleep(0.002)
    finally:
        monitor.stop_duration_sample(f"{path} [{method}]", sample_id)

def worker():
    for _ in range(50):
        request("/v2/notify", "POST")

assert monitor.start_duration_sample() == ""
monitor.start(monitoring_dir=sys.argv[1], with_runtime=True, with_profiler=True)
threads = [threading.Thread(target=worker) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(30):
    add_up(1000)
with time_it(label='a "block", timed'):
    time.sleep(1.2)
for thread in threads:
    thread.join()
print(os.getpid())
monitor.stop()
"""
)
READING = """
import sys
from stem_device.telemetry import TelemetryDB

db = TelemetryDB(sys.argv[1])
requests = db.duration().time_series("/v2/notify [POST]")
pid = requests.pids()[0]
print(sorted(db.duration().labels()))
print(requests.data().count(), requests.data(by_pid=pid).count(), requests.data(by_pid=pid + 1).count())
print(requests.data().resample("1s").count().sum(), requests.data().min() >= 0.002)
print(all(series.data().count() >= 2 for series in (db.gc_collections(), db.gc_collected(),
    db.gc_uncollectable(), db.max_rss(), db.system_time(), db.user_time())))
"""


def run(script: str, folder: Path) -> str:
    line = [sys.executable, "-c", script, str(folder)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_script_with_its_imports_changed(tmp_path: Path) -> None:
    before = time.time_ns()
    pid = int(run(SCRIPT.replace(EARLIER, OURS), tmp_path))
    rows = read(tmp_path)
    assert Counter(row.label for row in rows) == {
        "/v2/notify [POST]": 200,
        "add up": 30,
        'a "block", timed': 1,
    }
    assert {row.pid for row in rows} == {pid}
    assert all(before < row.timepoint < time.time_ns() for row in rows)
    assert all(0.002 <= row.measurement < 60 for row in rows if "notify" in row.label)
    runtime = read(tmp_path, "runtime")
    assert len(list(tmp_path.glob("runtime.*"))) == 1
    for label in LABELS:
        values = [row.measurement for row in runtime if row.label == label]
        assert len(values) >= 2, label
        assert values == sorted(values), label
    profile = pstats.Stats(str(tmp_path / f"profiler.{pid}.data"))
    calls = {name: numbers[0] for (_, _, name), numbers in profile.stats.items()}  # type: ignore[attr-defined]
    assert calls["add_up"] == 30
    if sys.version_info < (3, 12):  # from then on Python profiles one thread at a time
        assert (calls["worker"], calls["request"]) == (4, 200)


def test_and_one_that_reads(tmp_path: Path) -> None:
    run(SCRIPT.replace(EARLIER, OURS), tmp_path)
    assert run(READING, tmp_path).splitlines() == [
        "['/v2/notify [POST]', 'a \"block\", timed', 'add up']",
        "200 200 0",
        "200 True",
        "True",
    ]
