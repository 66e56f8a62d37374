"""``stem validate``, ``recover``, ``import`` and ``export`` as users run them, on recordings of servers."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.reading import open_recording
from tests.system.harness import ServerFactory
from tests.system.stem_process import PROGRAM, stem

h5py = pytest.importorskip("h5py")

COUNTERS = {
    "streams": ("server", "stream", "pushed", "published_total", "published_delta"),
    "subscriptions": (
        "server", "topic", "event_count", "received_total", "received_delta", "missed_total", "gaps_total",
    ),
    "subscriber_samples": ("server", "attr_name", "process_micros", "first_callback_latency_micros"),
    "publisher_samples": ("server", "push_event_micros"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(
    module_servers: ServerFactory, database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """``run.jsonl.gz``, what stem monitor recorded of a publisher and a subscriber; ``run.h5`` made of it."""
    folder = tmp_path_factory.mktemp("conversions")
    publisher, subscriber = module_servers(), module_servers()
    subscriber.subscriber.subscribe(publisher.publisher, "waveform")
    publisher.publisher.push_in_background("waveform", period_seconds=0.01)
    arguments = (
        "monitor",
        publisher.name,
        subscriber.name,
        "-p",
        "0.3",
        "--polls",
        "8",
        "-m",
        "-o",
        "run.jsonl.gz",
    )
    with stem(folder, *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == 0
        (summary,) = run.kinds("summary")
    publisher.publisher.stop()
    (folder / "published").write_text(summary["published"])
    (folder / "received").write_text(summary["received"])
    done(folder, "import", "run.jsonl.gz", "-o", "run.h5")
    return folder


def done(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a command printed on either stream."""
    with stem(folder, *arguments) as run:
        assert run.wait(90) == code, run.output + run.errors
        return run.output + run.errors


def test_an_import_counts_what_monitor_counted(folder: Path) -> None:
    with open_recording(folder / "run.h5") as recording:
        polls = recording["polls"]
        assert len(polls) == 8
        assert str(polls["published_total"][-1]) == (folder / "published").read_text() != "0"
        assert str(polls["received_total"][-1]) == (folder / "received").read_text() != "0"
        assert len(recording["subscriber_samples"]) > 50


def test_validate(folder: Path) -> None:
    assert done(folder, "validate", "run.h5") == "run.h5: valid\n"
    (folder / "no.h5").write_bytes(b"nothing")
    told = done(folder, "validate", "no.h5", "run.h5", "missing.h5", code=1)
    assert "no.h5: violation opens /: " in told
    assert "no.h5: 1 violation\nrun.h5: valid\n" in told
    assert "stem: cannot read missing.h5: No such file" in told


def test_recover(folder: Path) -> None:
    with (folder / "torn.h5").open("wb") as torn:
        torn.write((folder / "run.h5").read_bytes()[:-1])
    assert "violation" in done(folder, "validate", "torn.h5", code=1)
    told = done(folder, "recover", "torn.h5", "-o", "whole.h5")
    assert "lost the file ends 1 bytes early" in told
    assert "recovered 8 of 8 polls" in told
    assert "whole.h5: valid" in done(folder, "validate", "whole.h5")
    assert "never overwritten" in done(folder, "recover", "torn.h5", "-o", "whole.h5", code=1)


def test_export_and_import_again(folder: Path) -> None:
    assert "again.jsonl: 8 lines" in done(folder, "export", "run.h5", "-o", "again.jsonl")
    done(folder, "import", "again.jsonl", "-o", "again.h5", "--label", "again")
    with open_recording(folder / "run.h5") as before, open_recording(folder / "again.h5") as after:
        assert after.sources[0].label == "again"
        for table, columns in COUNTERS.items():
            assert len(before[table]) > 0
            for column in columns:
                assert repr(before[table][column].tolist()) == repr(after[table][column].tolist())


def test_export_to_csv_and_parquet(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    done(folder, "export", "run.h5", "-o", "run.csv", "--server", "*")
    assert (folder / "run.csv").read_text().startswith("Timepoint,Measurement,Label,PID\n")
    done(folder, "export", "run.h5", "-o", "tables", "-f", "parquet")
    assert (folder / "tables/subscriptions.parquet").stat().st_size > 0


def test_a_full_disk_and_no_permission_are_told(folder: Path, tmp_path: Path) -> None:
    program = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); " + PROGRAM
    command = [sys.executable, "-c", program, "export", str(folder / "run.h5"), "-o", str(tmp_path / "a.csv")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("stem: cannot write")
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
    told = done(folder, "export", "run.h5", "-o", "/proc/a.csv", code=1)
    assert told.startswith("stem: cannot write /proc/a.csv")


def test_ctrl_c_leaves_nothing_and_a_terminal_has_a_bar(folder: Path, tmp_path: Path) -> None:
    line = (folder / "again.jsonl").read_bytes() if (folder / "again.jsonl").exists() else b""
    one = line.splitlines(keepends=True)[-1] if line else b'{"time":"2026-11-22T03:00:00Z","replies":{}}\n'
    with (tmp_path / "long.jsonl").open("wb") as file:
        for number in range(20_000):
            file.write(one if number % 2 else b'{"time":"2026-11-22T03:00:00Z","replies":{}}\n')
    parent, child = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, "import", "long.jsonl", "-o", "long.h5"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=child, stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}
    )
    os.close(child)
    shown = b""
    try:
        deadline = time.monotonic() + 60
        while b"importing" not in shown and time.monotonic() < deadline:
            shown += os.read(parent, 1000)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
        shown += os.read(parent, 10_000)
    finally:
        process.kill()
        process.wait()
        os.close(parent)
    assert b"importing" in shown
    assert b"interrupted; nothing was written" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["long.jsonl"]


HANGS_WHILE_CLEANING_UP = """
import signal, sys, time
from contextlib import contextmanager
from pathlib import Path
from stem_device.cli import long_work, main

@contextmanager
def progress_bar(what):
    def progress(done):
        if not any(Path(sys.argv[-1]).parent.iterdir()):
            return
        try:
            print("working", flush=True)
            time.sleep(60)
        finally:
            print("cleaning up", flush=True)
            time.sleep(60)
    yield progress

long_work.progress_bar = progress_bar
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""``stem`` that hangs once it has begun to write, and when it is interrupted hangs in that too."""


@pytest.mark.parametrize("arguments", ["recover run.h5", "import run.jsonl.gz", "export run.h5"])
def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing(
    folder: Path, tmp_path: Path, arguments: str
) -> None:
    command, source = arguments.split()
    output = tmp_path / ("out.csv" if command == "export" else "out.h5")
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS_WHILE_CLEANING_UP, command, str(folder / source), "-o", str(output)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in ("working", "cleaning up"):
            assert process.stdout.readline() == f"{line}\n"
            assert [path.name[:5] for path in tmp_path.iterdir()] == [".new-"]
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) == []
