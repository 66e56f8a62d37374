from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.telemetry import time_it
from stem_device.telemetry.buffer import SAMPLE_BYTES, VALUES, add_sample
from stem_device.telemetry.session import Session
from stem_device.telemetry.settings import Settings
from tests.unit.telemetry.earlier_format import read
from tests.waiting import wait_until


def test_a_sample_is_a_row(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    sample = telemetry.start_duration_sample()
    began = time.perf_counter_ns()
    time.sleep(0.01)
    before, slept = time.time_ns(), time.perf_counter_ns() - began
    telemetry.stop_duration_sample("a sleep", sample)
    after = time.time_ns()
    telemetry.stop()
    (row,) = read(tmp_path)
    assert isinstance(sample, str)
    assert before <= row.timepoint <= after
    assert slept / 1e9 <= row.measurement < (after - before + slept) / 1e9 + 0.5
    assert (row.label, row.pid) == ("a sleep", os.getpid())


@pytest.mark.parametrize(
    "label", ["", " ", "a,b", 'say "x"', "two\r\nlines", "ü€😀", "/v2/a [POST]", "nan", '"', "%d", "a" * 3000]
)
def test_any_label_is_kept(label: str, tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    for one in (label, "plain"):
        telemetry.stop_duration_sample(one, telemetry.start_duration_sample())
    telemetry.stop()
    assert [row.label for row in read(tmp_path)] == [label, "plain"]
    assert telemetry.open_telemetry(tmp_path).duration().labels() == [label, "plain"]


def test_half_a_pair_is_escaped(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    with time_it("a\ud800"):
        pass
    telemetry.stop()
    assert [row.label for row in read(tmp_path)] == ["a\\ud800"]


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError


def test_what_is_no_text_costs_no_sample(tmp_path: Path) -> None:
    labels: list[object] = ["x", ["a", "b"], {"c": 1}, None, 5, Unspeakable(), "x"]
    told = ["x", "['a', 'b']", "{'c': 1}", "None", "5", "(Unspeakable without a text)", "x"]
    for some in (labels, labels[3:]):  # with and without those that cannot be keys
        telemetry.start(tmp_path)
        for label in some:
            telemetry.stop_duration_sample(label, telemetry.start_duration_sample())  # type: ignore[arg-type]
        telemetry.stop()
    assert Counter(row.label for row in read(tmp_path)) == Counter(told + told[3:])


@pytest.mark.parametrize("label", ["x", 'a "quoted",\r\nlabel', "long" * 500])
def test_no_file_grows_beyond_its_size(label: str, tmp_path: Path) -> None:
    """But for one whose first row is longer."""
    telemetry.start(tmp_path, file_bytes=2000, memory_bytes=1 << 22)
    for _ in range(500):
        telemetry.stop_duration_sample(label, telemetry.start_duration_sample())
    telemetry.stop()
    assert len(read(tmp_path)) == 500
    sizes = [path.stat().st_size for path in tmp_path.glob("duration.*.csv")]
    row = sum(sizes) // 500
    assert max(sizes) <= max(2000, row + 200)
    assert len(sizes) == 500 if row > 2000 else len(sizes) <= 1 + sum(sizes) // (2000 - 2 * row)


def test_off_is_off(tmp_path: Path) -> None:
    assert telemetry.start_duration_sample() == ""
    telemetry.stop_duration_sample("x", "")
    with time_it("x") as timer:
        telemetry.start(tmp_path)
    assert isinstance(timer, time_it)
    open_sample = telemetry.start_duration_sample()
    telemetry.stop()
    telemetry.stop_duration_sample("x", open_sample)
    telemetry.stop()
    assert read(tmp_path) == []
    assert not telemetry.health().on


def test_what_is_no_identity_is_counted(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    before = telemetry.health().rejected
    telemetry.stop_duration_sample("x", "abc")
    telemetry.stop_duration_sample("x", "9" * 30)
    telemetry.stop_duration_sample("x", "-" + "9" * 400)  # no row holds such a duration
    telemetry.stop_duration_sample("x", None)  # type: ignore[arg-type]
    telemetry.stop()
    assert read(tmp_path) == []
    assert telemetry.health().rejected == before + 3


def test_durations_of_all_sizes(tmp_path: Path) -> None:
    durations = [0, 1, 999_999_999, 1_000_000_000, 86_400_123_456_789, 7]
    telemetry.start(tmp_path)
    for duration in durations:
        add_sample("x", duration)
        telemetry.flush()
    for duration in durations:
        add_sample("x", duration)
    telemetry.stop()
    assert sorted(round(row.measurement * 1e9) for row in read(tmp_path)) == sorted(durations * 2)


def test_time_it_times_whatever_is_called(tmp_path: Path) -> None:
    @time_it("function")
    def function(value: int) -> int:
        """Says something."""
        return value

    @time_it(label="generator")
    def generator() -> Iterator[int]:
        yield (yield 1)  # type: ignore[misc]

    class Thing:
        @time_it("static")
        @staticmethod
        def static() -> int:
            return 1

        @time_it("class")
        @classmethod
        def of_class(cls) -> type:
            return cls

    telemetry.start(tmp_path)
    steps = generator()
    assert (next(steps), steps.send(7)) == (1, 7)  # type: ignore[attr-defined]
    assert list(steps) == []
    assert (function(3), function.__doc__) == (3, "Says something.")
    assert (Thing.static(), Thing().of_class()) == (1, Thing)
    with time_it("block"), time_it("inner"):
        pass
    with pytest.raises(ZeroDivisionError), time_it("failed"):
        1 / 0  # noqa: B018
    again = time_it("again")
    with again, again:
        pass
    telemetry.stop()
    counts = Counter(row.label for row in read(tmp_path))
    once = ("function", "generator", "static", "class", "block", "inner", "failed")
    assert counts == {**dict.fromkeys(once, 1), "again": 2}
    with pytest.raises(TypeError, match="not int"):
        time_it("x")(3)


def test_time_it_times_what_is_awaited(tmp_path: Path) -> None:
    thrown: list[str] = []

    @time_it("coroutine")
    async def coroutine() -> int:
        async with time_it("block"):
            await asyncio.sleep(0.02)
        return 3

    @time_it("generator")
    async def numbers() -> AsyncIterator[int]:
        try:
            while True:
                try:
                    yield 1
                except KeyError:
                    thrown.append("KeyError")
        finally:
            thrown.append("closed")

    async def main() -> None:
        assert inspect.iscoroutinefunction(coroutine)
        assert list(await asyncio.gather(coroutine(), coroutine())) == [3, 3]
        generator = numbers()
        assert await anext(generator) == 1
        assert await generator.athrow(KeyError()) == 1  # type: ignore[attr-defined]
        await generator.aclose()  # type: ignore[attr-defined]

    telemetry.start(tmp_path)
    asyncio.run(main())
    telemetry.stop()
    rows = read(tmp_path)
    assert Counter(row.label for row in rows) == {"coroutine": 2, "block": 2, "generator": 1}
    assert all(row.measurement >= 0.02 for row in rows if row.label == "coroutine")
    assert thrown == ["KeyError", "closed"]


def test_a_sample_ends_in_another_thread_or_function(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    sample = telemetry.start_duration_sample()
    thread = threading.Thread(target=telemetry.stop_duration_sample, args=("elsewhere", sample))
    thread.start()
    thread.join()
    telemetry.stop()
    assert [row.label for row in read(tmp_path)] == ["elsewhere"]


def test_threads_that_die_lose_nothing(tmp_path: Path) -> None:
    """More than the memory holds, from eight threads that end on the way, while it is read."""

    def work(number: int) -> None:
        for sample in range(2000 * number):
            telemetry.stop_duration_sample(f"thread {number}", telemetry.start_duration_sample())
            if not sample % 10:  # no faster than the files are written, on whatever machine
                wait_until(lambda: telemetry.health().waiting < 200)

    telemetry.start(tmp_path, memory_bytes=1 << 16, flush_bytes=1 << 14, file_bytes=1 << 17)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    telemetry.stop()
    health = telemetry.health()
    counts = Counter(row.label for row in read(tmp_path))
    assert sum(counts.values()) + health.lost == 2000 * sum(range(8))
    assert health.lost == 0
    assert counts == {f"thread {number}": 2000 * number for number in range(1, 8)}
    sizes = [path.stat().st_size for path in tmp_path.glob("duration.*.csv")]
    assert max(sizes) <= 1 << 17
    assert len(sizes) <= 1 + sum(sizes) // (1 << 16)


def test_it_is_flushed_by_time_and_by_size(tmp_path: Path) -> None:
    telemetry.start(tmp_path, flush_seconds=0.05)
    telemetry.stop_duration_sample("time", telemetry.start_duration_sample())
    wait_until(lambda: len(read(tmp_path)) == 1)
    telemetry.start(tmp_path, flush_seconds=3600, flush_bytes=20_000)
    time.sleep(0.1)
    telemetry.stop_duration_sample("size", telemetry.start_duration_sample())
    time.sleep(0.1)
    assert len(read(tmp_path)) <= 2

    def more_are_read() -> bool:
        # What comes while a flush is under way waits for the next one.
        for _ in range(100):
            telemetry.stop_duration_sample("size", telemetry.start_duration_sample())
        return len(read(tmp_path)) >= 200

    wait_until(more_are_read)
    assert len(list(tmp_path.iterdir())) == 1


def test_start_again_moves_on(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        telemetry.start(tmp_path / name)
        telemetry.stop_duration_sample(name, telemetry.start_duration_sample())
        telemetry.flush()
    telemetry.stop()
    assert [row.label for row in read(tmp_path / "a")] == ["a", "a"]
    assert [row.label for row in read(tmp_path / "b")] == ["b"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"flush_seconds": 0},
        {"memory_bytes": 1},
        {"file_bytes": 0},
        {"with_profiler": "x"},
        {"profiler_hertz": 1e9},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    (name,) = wrong
    with pytest.raises(telemetry.TelemetryError, match=name):
        telemetry.start(tmp_path, **wrong)  # type: ignore[arg-type]
    assert not telemetry.health().on


def test_the_most_looks_of_a_profiler_in_a_second(tmp_path: Path) -> None:
    assert Settings(tmp_path, profiler_hertz=1000).profiler_hertz == 1000
    with pytest.raises(telemetry.TelemetryError, match="profiler_hertz"):
        Settings(tmp_path, profiler_hertz=1001)


def test_what_a_sample_takes_in_memory() -> None:
    samples: list[int | str] = []
    tracemalloc.start()
    try:
        for number in range(10_000):
            samples.extend((1_790_000_000_000_000_000 + number, 1_000_000 + number, "label"))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 10_000 == pytest.approx(SAMPLE_BYTES, rel=0.1)


def test_half_of_the_memory_is_for_samples(tmp_path: Path) -> None:
    session = Session()
    session._set_limits(Settings(tmp_path, memory_bytes=1 << 20))
    taken = session._limit / VALUES * (SAMPLE_BYTES + session._writing.label_bytes)
    assert 0.49 * (1 << 20) < taken <= 0.5 * (1 << 20)


def test_a_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(telemetry.TelemetryError, match="cannot be made"):
        telemetry.start(tmp_path / "file" / "telemetry")


def test_nothing_but_the_standard_library_is_imported() -> None:
    code = "import sys, stem_device.telemetry; print(*sys.modules)"
    line = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {os.getcwd()!r}); {code}"]  # noqa: PTH109
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots - set(sys.stdlib_module_names) <= {"__main__", "stem_device"}
    assert "asyncio" not in roots
