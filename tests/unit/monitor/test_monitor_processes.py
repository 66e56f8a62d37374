"""What comes with each poll of processes that write telemetry, and of the monitor's own."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stem_device import telemetry
from stem_device.catalogue import Accumulation, Spread, series_of
from stem_device.catalogue.series import MAX_LABELS
from stem_device.model.snapshot import TelemetryRows
from stem_device.monitor import processes
from stem_device.monitor.processes import ProcessWatch
from tests.unit.made_snapshots import snapshot


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessWatch]:
    monkeypatch.setattr(processes, "LOOK_SECONDS", 0.02)
    made = ProcessWatch([str(tmp_path / "telemetry"), str(tmp_path / "away")])
    made.start()
    yield made
    made.stop(5)
    telemetry.stop()


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_processes_measure_comes_once_with_the_next_poll(watch: ProcessWatch, tmp_path: Path) -> None:
    (tmp_path / "telemetry").mkdir()
    telemetry.start(tmp_path / "telemetry", with_runtime=True, flush_seconds=0.01)
    for _ in range(300):
        with telemetry.time_it("move"):
            pass
    telemetry.flush()
    found: Counter[str] = Counter()

    def all_came() -> bool:
        rows = watch.take()
        found.update(label for label, kind in zip(rows.label, rows.kind, strict=True) if kind == "duration")
        assert np.all(np.diff(rows.at_utc_ns) >= 0)
        return found["move"] >= 300

    until(all_came)
    until(lambda: watch.processes)
    (process,) = watch.processes
    assert (process.directory, process.pid) == (str(tmp_path / "telemetry"), os.getpid())
    assert process.values["rss"] > 1000
    assert watch.problems == (f"{tmp_path / 'away'}: cannot be read: No such file or directory",)
    (tmp_path / "away").mkdir()
    until(lambda: not watch.problems)
    assert found == {"move": 300}


def test_a_process_that_is_silent_is_gone(
    watch: ProcessWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "telemetry").mkdir()
    telemetry.start(tmp_path / "telemetry", with_runtime=True)
    telemetry.stop()
    until(lambda: watch.processes)
    monkeypatch.setattr(processes, "GONE_SECONDS", -1.0)
    until(lambda: not watch.processes)


def test_how_long_a_process_may_be_silent(watch: ProcessWatch, tmp_path: Path) -> None:
    now = time.monotonic()
    watch._latest = {(str(tmp_path), 1): (now - 29, {}), (str(tmp_path), 2): (now - 31, {})}
    watch._forget()
    assert [pid for _, pid in watch._latest] == [1]


def test_more_than_there_is_room_for_is_dropped_and_told(
    watch: ProcessWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MOST_WAITING", 5)
    (tmp_path / "telemetry").mkdir()
    telemetry.start(tmp_path / "telemetry")
    for _ in range(9):
        with telemetry.time_it("move"):
            pass
    telemetry.stop()
    until(lambda: any("dropped" in one for one in watch.problems))
    assert watch.take().label.count("move") == 5


def test_the_monitor_tells_of_itself(watch: ProcessWatch) -> None:
    assert watch.own is None
    watch.take()

    def slow(phase: str, _info: dict[str, int]) -> None:
        if phase == "stop":
            time.sleep(0.02)

    gc.callbacks.insert(0, slow)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(slow)
    rows = watch.take()
    assert watch.own is not None
    assert 0.02 <= watch.own.longest_pause_seconds <= watch.own.gc_pause_seconds
    assert watch.own.worst_pause_seconds == max(rows.value[np.array(rows.label) == "gc pause generation 2"])
    assert (watch.own.memory_bytes or 0) > 10_000_000
    assert 0 < watch.own.cpu_seconds <= sum(os.times()[:2]) + 0.1
    assert set(rows.pid.tolist()) == {os.getpid()}
    worst = watch.own.worst_pause_seconds
    watch.take()
    assert watch.own.worst_pause_seconds >= worst > watch.own.longest_pause_seconds


def test_histograms_add_up_and_have_a_bounded_number_of_labels() -> None:
    accumulation = Accumulation()
    for poll in range(3):
        count = MAX_LABELS + 5
        rows = TelemetryRows(
            np.zeros(count, np.int64),
            np.full(count, 0.1),
            tuple(f"label {number}" for number in range(count)),
            ("duration",) * count,
            np.zeros(count, np.int64),
        )
        one = replace(snapshot(), poll=poll, telemetry=rows)
        made = accumulation.add(one, series_of(one))
    (durations,) = [one for one in made if one.quantity.name == "process_duration_seconds"]
    counts = {labels: value.count for labels, value in durations.points if isinstance(value, Spread)}
    assert len(counts) == MAX_LABELS + 1
    assert counts["label 0",] == 3
    assert counts["(other labels)",] == 15
