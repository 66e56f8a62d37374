"""Ctrl-C at any moment ends ``stem``, and leaves no traceback on the screen."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_device.demo.processes import wait_until

pytest.importorskip("typer")

PROGRAM = (
    # As a shell starts it; a job in the background, as these tests may be, ignores interrupts.
    "import faulthandler, signal; faulthandler.register(signal.SIGUSR1);"
    "signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from stem_device.cli import main; print('begin', flush=True); main()"
)
RUN = ("monitor", "tango://127.0.0.1:1/a/b/c", "--wait", "--poll-period", "0.2", "--plain", "-o")


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """``stem``, past the start of Python itself: :func:`main` has taken the signal over."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        wait_until(lambda: not catches_interrupts(process.pid), "the handler of Python to be gone")
        yield process
    finally:
        process.kill()
        process.communicate()


def catches_interrupts(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> signal.SIGINT - 1 & 1)


def errors_of(process: subprocess.Popen[str], moment: str) -> str:
    """What it wrote until it ended; where it does not end, a failure that says what each thread does."""
    try:
        return process.communicate(timeout=30)[1]
    except subprocess.TimeoutExpired:
        signals = [
            line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "Sig" in line
        ]
        process.send_signal(signal.SIGUSR1)
        time.sleep(1.0)
        process.kill()
        output, errors = process.communicate()
        pytest.fail(f"went on after an interrupt at {moment}: {signals}\n{errors}\n{output}")


def seconds_to_the_first_poll(folder: Path) -> float:
    with started(folder, *RUN, "measured.jsonl") as process:
        begin = time.monotonic()
        assert process.stdout is not None
        assert process.stdout.readline()
        return time.monotonic() - begin


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("output", "moments"),
    [
        ("run.h5", 20),
        pytest.param("run.h5", 120, marks=pytest.mark.matrix),
        pytest.param("run.jsonl", 60, marks=pytest.mark.matrix),
    ],
)
def test_an_interrupt_at_any_moment_of_the_start_ends_it(tmp_path: Path, output: str, moments: int) -> None:
    pytest.importorskip("h5py")
    span = seconds_to_the_first_poll(tmp_path)
    codes = set()
    for moment in range(moments):
        (tmp_path / output).unlink(missing_ok=True)
        with started(tmp_path, *RUN, output) as process:
            time.sleep(span * moment / moments)
            process.send_signal(signal.SIGINT)
            errors = errors_of(process, f"{moment} of {moments} in {span:.2f} s")
        assert errors == "", f"moment {moment}"
        codes.add(process.returncode)
    assert codes <= {-signal.SIGINT, 0}


def test_a_caller_that_ignores_interrupts_is_obeyed() -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    program = (
        f"{ignoring}; from stem_device.cli.process import let_interrupts_end; let_interrupts_end();"
        "signal.raise_signal(signal.SIGINT); print('alive')"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "alive\n"
