"""Disks that are full, hang or vanish: what is lost is counted, and the program goes on."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.telemetry import buffer as buffer_module
from stem_device.telemetry import time_it
from stem_device.telemetry.health import Health
from tests.unit.telemetry.earlier_format import read
from tests.waiting import wait_until

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(1, 100))]


def collect(count: int, label: str = "x") -> None:
    for _ in range(count):
        with time_it(label):
            pass


def since(before: Health) -> tuple[int, int, int]:
    """Written, lost and removed."""
    now = telemetry.health()
    assert now.waiting == 0
    return now.written - before.written, now.lost - before.lost, now.removed - before.removed


def size_of(path: Path) -> int:
    """0 if it has gone since it was listed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Room:
    """How many bytes still go on the disk: the test sets it while another thread writes."""

    def __init__(self) -> None:
        self._left = 1 << 60
        self._lock = threading.Lock()
        self._write, self._truncate = os.write, os.ftruncate

    def __setitem__(self, _: int, left: int) -> None:
        with self._lock:
            self._left = left

    def write(self, fd: int, data: bytes) -> int:
        with self._lock:
            if not self._left:
                raise OSError(errno.ENOSPC, "No space left on device")
            wrote = self._write(fd, data[: self._left])
            self._left -= wrote
            return wrote

    def truncate(self, fd: int, size: int) -> None:
        with self._lock:
            self._left += os.fstat(fd).st_size - size
            self._truncate(fd, size)


class Starved:
    """A clock that, for the thread ``ident`` alone, gains a second whenever it looks."""

    def __init__(self, ident: int) -> None:
        self._ident = ident
        self._gained = 0

    def __call__(self) -> float:
        if threading.get_ident() != self._ident:
            return time.monotonic()
        self._gained += 1
        return time.monotonic() + self._gained


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Room:
    """As the kernel does it, a write is cut short."""
    room = Room()
    monkeypatch.setattr("stem_device.telemetry.series.os.write", room.write)
    monkeypatch.setattr("stem_device.telemetry.series.os.ftruncate", room.truncate)
    return room


@pytest.mark.parametrize("seed", SEEDS)
def test_a_full_disk_loses_what_it_must(seed: int, full: Room, tmp_path: Path) -> None:
    random.seed(seed)
    telemetry.start(tmp_path, memory_bytes=1 << 16, flush_seconds=0.02)
    before = telemetry.health()
    full[0] = random.randrange(100_000)
    collect(5000, 'a "quoted",\r\nlabel')
    assert len(read(tmp_path)) < 5000  # and no row is cut
    full[0] = 1 << 60
    assert telemetry.flush()
    collect(500)
    telemetry.stop()
    written, lost, removed = since(before)
    assert len(read(tmp_path)) == written
    assert (written + lost, removed) == (5500, 0)
    assert lost > 0
    assert "No space left" in telemetry.health().last_error
    told = max((row.measurement for row in read(tmp_path, "runtime")), default=0)
    assert told == telemetry.health().lost


def test_a_moment_without_space_loses_nothing(full: Room, tmp_path: Path) -> None:
    telemetry.start(tmp_path, flush_seconds=0.02)
    before = telemetry.health()
    full[0] = 7
    collect(100)
    assert not telemetry.flush(0.2)
    # It goes on trying: what is cut off is there for a moment, and goes again.
    wait_until(lambda: not any(size_of(path) for path in tmp_path.iterdir()))
    full[0] = 1 << 60
    telemetry.stop()
    assert since(before) == (100, 0, 0)
    assert len(read(tmp_path)) == 100


def test_a_limit_of_file_size_begins_another_file(tmp_path: Path) -> None:
    code = f"""
import resource
from stem_device import telemetry
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
telemetry.start({str(tmp_path)!r})
for _ in range(3000):
    with telemetry.time_it("x"): pass
telemetry.stop()
assert telemetry.health().lost == 0, telemetry.health()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert len(read(tmp_path)) == 3000
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 5000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_directory_that_vanishes(seed: int, tmp_path: Path) -> None:
    random.seed(seed)
    directory = tmp_path / "telemetry"
    # Memory for all of it, also where the writer gets no turn for long.
    telemetry.start(directory, memory_bytes=1 << 23, flush_seconds=0.01, with_runtime=True)
    before = telemetry.health()
    stop = threading.Event()

    def destroy() -> None:
        while not stop.wait(random.random() / 100):
            shutil.rmtree(directory, ignore_errors=True)

    thread = threading.Thread(target=destroy)
    thread.start()
    for _ in range(20):
        collect(500)
        time.sleep(0.005)
    stop.set()
    thread.join()
    collect(500)
    telemetry.stop()
    written, lost, removed = since(before)
    assert written + lost + removed == 10_500
    assert (len(read(directory)), lost) == (written, 0)
    assert removed > 0


def test_files_that_are_moved_keep_their_rows(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "telemetry", tmp_path / "elsewhere"
    elsewhere.mkdir()
    telemetry.start(directory)
    before = telemetry.health()
    for _ in range(3):
        collect(10)
        telemetry.flush()
        for path in directory.iterdir():
            path.rename(elsewhere / path.name)
    telemetry.stop()
    assert since(before) == (30, 0, 0)
    assert len(read(directory)) + len(read(elsewhere)) == 30


def test_a_disk_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    telemetry.start(tmp_path, memory_bytes=1 << 15, flush_seconds=0.01)
    before = telemetry.health()
    write, free = os.write, threading.Event()

    def hangs(fd: int, data: bytes) -> int:
        free.wait()
        return write(fd, data)

    monkeypatch.setattr("stem_device.telemetry.series.os.write", hangs)
    began = time.monotonic()
    collect(20_000)
    assert time.monotonic() - began < 15  # one wait of 0.1 s, and not one a sample
    assert not telemetry.flush(0.05)
    free.set()
    telemetry.stop()
    written, lost, _ = since(before)
    assert written + lost == 20_000
    assert 0 < written == len(read(tmp_path)) < 1000


def test_a_process_that_gets_no_processor_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A second passes between two looks of a thread that finds the memory full: the writer had no turn."""
    monkeypatch.setattr("stem_device.telemetry.session.monotonic", Starved(threading.get_ident()))
    telemetry.start(tmp_path, memory_bytes=1 << 14, flush_seconds=3600)
    before = telemetry.health()
    collect(20_000)
    telemetry.stop()
    assert since(before) == (20_000, 0, 0)
    assert len(read(tmp_path)) == 20_000


def test_steps_of_the_clock_change_no_duration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    times = iter([2_000_000_000 * 10**9, 1_000_000_000 * 10**9])
    monkeypatch.setattr(buffer_module, "time_ns", lambda: next(times))
    telemetry.start(tmp_path)
    for _ in range(2):
        telemetry.stop_duration_sample("x", telemetry.start_duration_sample())
    telemetry.stop()
    rows = read(tmp_path)
    assert [row.timepoint for row in rows] == [2_000_000_000 * 10**9, 1_000_000_000 * 10**9]
    assert all(0 <= row.measurement < 1 for row in rows)
    assert telemetry.open_telemetry(tmp_path).duration().columns().timepoint[0] == 10**18


@pytest.mark.needs("mounts")
def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    code = f"""
import os
from stem_device import telemetry
telemetry.start({str(tmp_path)!r}, memory_bytes=1 << 16)
for _ in range(20_000):
    with telemetry.time_it("x"): pass
telemetry.stop()
health = telemetry.health()
print(health)
os._exit(0 if health.lost > 10_000 and health.written + health.lost + health.waiting == 20_000 else 1)
"""
    mount = 'mount -t tmpfs -o size=256k tmpfs "$1" && "$2" -c "$3" && cat "$1"/duration.*.csv'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith("\n")
