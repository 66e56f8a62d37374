"""``stem trace`` with real programs, and with a real monitor that gets the marks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.reading import open_recording
from stem_device.runs import runs_of
from stem_device.telemetry import open_telemetry
from tests.system.event_monitors import event_monitor

STEM = [sys.executable, "-m", "stem_device", "trace"]

PROGRAM = """
import subprocess, sys, time
from stem_device import telemetry
with telemetry.time_it("mine"):
    time.sleep(0.05)
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
sys.exit(int(sys.argv[2]))
"""


def trace(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STEM, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_program_and_its_children(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = trace(tmp_path, "--no-marks", "-o", "out", "--", sys.executable, "program.py", "-n", "7")
    assert (done.returncode, done.stdout) == (7, "child\n"), done.stderr
    db = open_telemetry(tmp_path / "out")
    assert Counter(db.duration().columns().label) == {"mine": 1, "program.py [program]": 1, "-c [program]": 1}
    assert len(db.user_time().pids()) == 2
    assert db.duration().time_series("program.py [program]").columns().measurement[0] > 0.05


def test_an_interpreter_without_the_package_and_a_sitecustomize_of_its_own(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('their own')")
    python = str(tmp_path / "venv" / "bin" / "python")
    code = (
        "import importlib.util, sys; print(importlib.util.find_spec('numpy'), 'stem_device' in sys.modules)"
    )
    done = trace(tmp_path, "--no-marks", "--", python, "-c", code, PYTHONPATH=str(own))
    # Once for stem itself, once for the program.
    assert (done.returncode, done.stdout) == (0, "their own\n" * 2 + "None True\n"), done.stderr
    assert open_telemetry(tmp_path / "telemetry").duration().labels() == ["-c [program]"]


def test_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "no such program" in trace(tmp_path, "--no-marks", "--", "no-such-program").stderr
    assert trace(tmp_path, "--no-marks", "--profiler", "perf", "--", "true").returncode == 2
    assert trace(tmp_path, "--no-marks", "-o", "file", "--", "true").returncode == 1
    assert trace(tmp_path, "--no-marks").returncode == 2
    done = trace(tmp_path, "--", "true", TANGO_HOST="127.0.0.1:1")
    assert (done.returncode, "the run is not marked" in done.stderr) == (0, True)
    assert "no telemetry came of true" in done.stderr
    assert "is in" not in done.stderr


def test_signals_are_handed_on(tmp_path: Path) -> None:
    code = (
        "from stem_device.telemetry import time_it\n"
        "with time_it('mine'): pass\n"
        "print('ready', flush=True)\n"
        "import time; time.sleep(60)"
    )
    line = [*STEM, "--no-marks", "--", sys.executable, "-u", "-c", code]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert "mine" in open_telemetry(tmp_path / "telemetry").duration().labels()


@pytest.mark.parametrize(("code", "error"), [("0", ""), ("3", "exit code 3")])
def test_the_run_is_in_the_recording(
    code: str, error: str, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with event_monitor(database, tmp_path, properties={"PollPeriod": ["3600"]}) as monitor:
        path = Path(monitor.proxy.StartRecording("traced"))
        program = ("--", sys.executable, "-c", f"raise SystemExit({code})")
        told = ("--device-group", "mid", "--iteration", "2", "--requestor", "me")
        done = trace(tmp_path, "--run", "night", "-d", monitor.name, *told, *program)
        assert done.returncode == int(code), done.stderr
        monitor.proxy.StopRecording()
    (run,) = runs_of(open_recording(path))
    assert (run.id, run.error or "") == ("night", error)
    assert (run.device_group, run.marks[0].iteration, run.requestor) == ("mid", 2, "me")
