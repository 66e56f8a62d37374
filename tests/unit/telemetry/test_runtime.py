from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.telemetry import names, session
from stem_device.telemetry.runtime import Runtime
from tests.unit.telemetry.earlier_format import Row, read

EARLIER = {"gc collections", "gc collected", "gc uncollectable", "user time", "system time", "max rss"}


def last(rows: list[Row], label: str) -> float:
    return next(row.measurement for row in reversed(rows) if row.label == label)


def test_the_metrics_are_those_of_the_process(tmp_path: Path) -> None:
    telemetry.start(tmp_path, with_runtime=True)
    gc.collect()
    telemetry.stop()
    rows = read(tmp_path, "runtime")
    times = os.times()
    assert {row.label for row in rows} >= EARLIER
    assert {row.pid for row in rows} == {os.getpid()}
    assert 0 < last(rows, "user time") <= times.user + 0.02
    assert 0 <= last(rows, "system time") <= times.system + 0.02
    assert 10_000 < last(rows, "rss") <= last(rows, "max rss") * 1.1
    assert last(rows, "gc collections") == pytest.approx(
        sum(one["collections"] for one in gc.get_stats()), abs=3
    )
    assert 2 <= last(rows, "threads") <= threading.active_count() + 60
    assert 3 <= last(rows, "open files") < 10_000
    assert last(rows, "voluntary context switches") > 0
    assert last(rows, "gc pauses generation 2") > 0
    telemetry.start(tmp_path / "without")
    telemetry.stop()
    assert not list((tmp_path / "without").iterdir())


def test_a_long_pause_has_a_row_of_its_own(tmp_path: Path) -> None:
    """As long as a callback of ours, which runs within the collection, makes it."""

    def slow(phase: str, _info: dict[str, int]) -> None:
        if phase == "stop":
            time.sleep(0.05)

    gc.callbacks.insert(0, slow)
    try:
        telemetry.start(tmp_path, with_runtime=True)
        began = time.time_ns()
        gc.collect()
        ended = time.time_ns()
        telemetry.stop()
    finally:
        gc.callbacks.remove(slow)
    (row,) = [row for row in read(tmp_path, "runtime") if row.label == "gc pause generation 2"]
    assert 0.05 <= row.measurement <= (ended - began) / 1e9
    assert began < row.timepoint <= ended
    assert gc.callbacks == [one for one in gc.callbacks if "GcPauses" not in repr(one)]


def test_a_blocked_event_loop_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SECOND", 0.02)

    async def main() -> None:
        telemetry.watch_event_loop()
        for _ in range(5):
            time.sleep(0.1)
            await asyncio.sleep(0.03)

    telemetry.start(tmp_path, with_runtime=True)
    asyncio.run(main())
    telemetry.stop()
    lags = [row.measurement for row in read(tmp_path, "runtime") if row.label == names.EVENT_LOOP_LAG]
    assert 0.05 < max(lags) < 60


def test_a_loop_that_stands_still_keeps_nothing(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    telemetry.watch_event_loop(loop)
    runtime = Runtime(tmp_path)
    runtime.loops.watch(loop)
    for _ in range(5):
        runtime.rows(None)
    seen = len(loop._ready)  # type: ignore[attr-defined]
    loop.close()
    assert seen == 0


def test_what_the_kernel_does_not_tell_has_no_row(tmp_path: Path) -> None:
    labels = {label for _, _, label in Runtime(tmp_path).rows(0.5)}
    assert "rss" not in labels
    assert {"threads", "interpreter lag"} <= labels
