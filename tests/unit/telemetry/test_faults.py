"""Threads that die anywhere and clocks that step: nothing is lost, and all of it is counted."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.telemetry import buffer as buffer_module
from stem_device.telemetry import runtime as runtime_module
from tests.unit.telemetry.earlier_format import read

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(1, 100))]
YEARS_NS = 20 * 365 * 86_400 * 10**9


class Died(Exception):  # noqa: N818 - what a thread of a user raises
    pass


def work(number: int, samples: int, end: str) -> None:
    """So many samples; then the thread ends, perhaps in the midst of another one."""
    for _ in range(samples):
        with telemetry.time_it(f"thread {number}"):
            pass
    if end == "unfinished":
        telemetry.start_duration_sample()
    elif end == "raises":
        with telemetry.time_it(f"thread {number}"):
            raise Died
    elif end == "exits":
        raise SystemExit


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_threads_that_die_anywhere(seed: int, tmp_path: Path) -> None:
    """In any number, while others begin and the files are written. A sample without an end is none."""
    chance = random.Random(seed)
    telemetry.start(tmp_path, flush_seconds=chance.choice([0.01, 0.05, 60]), file_bytes=1 << 16)
    before = telemetry.health()
    ended: Counter[str] = Counter()
    threads = []
    for number in range(chance.randrange(2, 40)):
        end = chance.choice(["returns", "unfinished", "raises", "exits"])
        samples = chance.randrange(200)
        ended[f"thread {number}"] = samples + (end == "raises")
        threads.append(
            threading.Thread(target=work, args=(number, samples, end), daemon=chance.random() < 0.5)
        )
        threads[-1].start()
        if chance.random() < 0.3:
            chance.choice(threads).join()
    for thread in threads:
        thread.join()
    telemetry.stop()
    now = telemetry.health()
    assert Counter(row.label for row in read(tmp_path)) == +ended
    assert (now.written - before.written, now.lost - before.lost) == (sum(ended.values()), 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_of_the_clock_at_any_moment(seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By years, forward and back: every row has the time that the clock told, durations are those that were,
    and files are written as often as before."""
    chance = random.Random(seed)
    told: list[int] = []
    offset = 0
    real = time.time_ns

    def stepping() -> int:
        nonlocal offset
        if chance.random() < 0.2:
            offset = chance.randrange(-YEARS_NS, YEARS_NS)
        told.append(real() + offset)
        return told[-1]

    monkeypatch.setattr(buffer_module, "time_ns", stepping)
    monkeypatch.setattr(runtime_module, "time_ns", lambda: real() + offset)
    telemetry.start(tmp_path, with_runtime=True, flush_seconds=0.01)
    before = telemetry.health()
    for _ in range(500):
        telemetry.stop_duration_sample("x", telemetry.start_duration_sample())
    wait = threading.Event()
    for _ in range(3000):
        if telemetry.health().written - before.written == 500:
            break
        wait.wait(0.01)
    assert len(read(tmp_path)) == 500, "flushed by time, without an end"
    telemetry.stop()
    rows = read(tmp_path)
    assert [row.timepoint for row in rows] == told
    assert all(0 <= row.measurement < 10 for row in rows)
    assert telemetry.health().lost == before.lost
    assert sorted(telemetry.open_telemetry(tmp_path).duration().columns().timepoint) == sorted(told)
