"""``stem demo`` from beginning to end, and every way in which it can end."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from stem_device import open_recording
from stem_device.demo.processes import wait_until
from stem_device.demo.system import COLLECTING, PARTS, QUICK, WEATHER, Part
from stem_device.model.finding import Cause
from stem_device.statistics.why import findings_of
from tests.system.stem_process import PROGRAM, read_terminal, stem

h5py = pytest.importorskip("h5py")
pytest.importorskip("tango_simlib")

REASON = "There is no room for another process"
SUBSCRIPTIONS_WITHOUT = {
    QUICK: "known subscriptions: 2 in 2 servers.",
    WEATHER: "known subscriptions: 3 in 3 servers.",
    COLLECTING: "known subscriptions: 5 in 2 servers.",
}
PROCESSES = 8
"""The demo, its database and six device servers."""


def first_and_others(parts: Iterable[Part]) -> list[Any]:
    """The first part of some in every run, the others as "matrix"."""
    first, *others = parts
    marked = (pytest.param(part, marks=pytest.mark.matrix, id=part.name) for part in others)
    return [pytest.param(first, id=first.name), *marked]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of what is started, with nothing in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def broken(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is started find a module that cannot be imported."""
    (folder / f"{module}.py").write_text(f"raise ImportError('{module} is broken')\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def no_start(part: Part, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server of one part end as soon as it starts, and no other process."""
    wanted = (part.module, part.server.partition("/")[2])
    (folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        f"if {wanted!r} == tuple(sys.orig_argv[2:4]):\n"
        f"    print({REASON!r} + '.', flush=True)\n"
        "    os._exit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


def recording(output: str) -> Path:
    (line,) = [line for line in output.splitlines() if line.startswith("Recording  ")]
    return Path(line.removeprefix("Recording").strip())


def test_events_are_lost_and_the_lossy_subscription_is_named(tmp_path: Path) -> None:
    (tmp_path / "picture").mkdir()
    with stem(tmp_path, "demo", "--seconds", "16", "--svg", "picture/demo.svg") as run:
        run.wait_for(" poll number=")
        run.note_family()
        assert len(run.family) >= PROCESSES - 1
        assert run.wait() == 0
        assert run.survivors() == []
        lossy = run.kinds("missed")
        losers = {line["server"].rpartition("/dserver/")[2] for line in lossy}
        assert losers == {"stemdemo/slow", "collecting/demo"}
        missed = [line for line in lossy if line["server"].endswith("/slow")]
        assert missed[-1]["stream"].endswith("/demo/publisher/fast/waveform.change")
        overdue = run.kinds("overdue")
        assert any(line["server"].endswith("/slow") and int(line["overdue"]) > 0 for line in overdue)
        assert run.lines.index(_first(run.lines, "Z overdue ")) < run.lines.index(
            _first(run.lines, "Z missed ")
        )
        number = f"{int(missed[-1]['missed']):,}"
        assert f"stemdemo/slow missed {number} of demo/publisher/fast/waveform.change" in run.output
        assert run.kinds("verdict")[-1]["level"] == "lost"
        assert "Verdict: lost. stemdemo/slow missed " in run.output
        assert "export TANGO_HOST=127.0.0.1:" in run.output
        assert 'tango.DeviceProxy("sys/eventmon/1")' in run.output
        assert run.errors == ""
    path = recording(run.output)
    assert path.parent == tmp_path / "recordings"
    with h5py.File(path) as file:
        total = sum(int(line["missed"]) for line in lossy[-2:])
        assert file["entry/polls/missed_total"][-1] == total
        assert file["entry/publisher_samples/push_event_micros"].shape[0] > 0
    assert (tmp_path / "picture" / "demo.svg").read_text().startswith("<svg")
    check_pauses(path)


def check_pauses(path: Path) -> None:
    """The report has the pauses above the events that were lost, and they are evidence of the cause."""
    page = path.with_suffix(".html")
    with stem(path.parent, "report", path.name, "--output", page.name) as report:
        assert report.wait() == 0
    with open_recording(path) as found:
        findings = {one.server.rpartition("/dserver/")[2]: one for one in findings_of(found)}
        telemetry = found["telemetry"]
        pauses = [
            float(seconds)
            for label, seconds in zip(telemetry["label"], telemetry["value"], strict=True)
            if str(label).startswith("gc pause generation")
        ]
    finding = findings["collecting/demo"]
    assert finding.cause is Cause.CALLBACK_SLOW
    assert finding.evidence["gc_longest_pause_seconds"] == pytest.approx(max(pauses), rel=0.5)
    assert max(pauses) > 1.0
    text = page.read_text()
    assert finding.sentence.partition(" stopped it for ")[0] in text
    assert "pauses of garbage collectors, and lags" in text
    assert text.index("pauses of garbage collectors, and lags") < text.index('"text":"events lost"')


def test_without_the_weather_station_it_says_so_and_shows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken("pkg_resources", tmp_path, monkeypatch)
    with stem(tmp_path, "demo", "--seconds", "3") as run:
        assert run.wait() == 0
        assert run.errors == ""
        told = [line for line in run.lines if "could not be started" in line]
        assert told == [
            "The simulated weather station could not be started and is left out:"
            " tango-simlib cannot be used: pkg_resources is broken."
        ]
        assert run.kinds("poll")
        assert recording(run.output).exists()


@pytest.mark.parametrize("part", first_and_others(part for part in PARTS if not part.needed))
def test_without_a_part_it_says_so_and_shows_the_rest(
    part: Part, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_start(part, tmp_path, monkeypatch)
    with stem(tmp_path, "demo", "--seconds", "3") as run:
        run.wait_for(" poll number=")
        run.note_family()
        assert len(run.family) >= PROCESSES - 2
        assert run.wait() == 0
        assert run.survivors() == []
        assert run.errors == ""
    told = [line for line in run.lines if "could not be started" in line]
    assert told == [f"{part.name} could not be started and is left out: {REASON}."]
    assert recording(run.output).exists()
    (verdict,) = [line for line in run.lines if line.startswith("Verdict: ")]
    assert SUBSCRIPTIONS_WITHOUT[part.device] in verdict
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("part", first_and_others(part for part in PARTS if part.needed))
def test_without_a_part_that_is_needed_it_says_why_and_leaves_nothing(
    part: Part, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_start(part, tmp_path, monkeypatch)
    with stem(tmp_path, "demo", "--seconds", "3") as run:
        run.wait_for("Starting")
        run.note_family()
        assert run.wait() == 1
        assert run.survivors() == []
    assert part.module in run.errors
    assert REASON in run.errors
    assert "Traceback" not in run.errors
    assert list(temporary.iterdir()) == []


@pytest.mark.matrix
def test_without_a_recording_it_says_so_and_shows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken("h5py", tmp_path, monkeypatch)
    with stem(tmp_path, "demo", "--seconds", "3") as run:
        assert run.wait() == 0
        assert run.errors == ""
        (told,) = [line for line in run.lines if "could not be started" in line]
        assert told.startswith("The recording could not be started and is left out: ")
        assert run.kinds("poll")
        assert "Recording  " not in run.output


def test_on_a_dumb_terminal_of_80_columns_it_prints_lines(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", "--seconds", "3"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "dumb"},
    )
    os.close(theirs)
    try:
        seen = read_terminal(ours)
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert " poll number=" in seen
    assert "\x1b" not in seen


def _first(lines: list[str], text: str) -> str:
    return next(line for line in lines if text in line)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.matrix),
        pytest.param(signal.SIGHUP, marks=pytest.mark.matrix),
    ],
)
def test_interrupted_it_still_tells_its_ending_and_leaves_nothing(
    number, tmp_path: Path, temporary: Path
) -> None:
    with stem(tmp_path, "demo", "--seconds", "0") as run:
        run.wait_for(" poll number=3 ")
        run.note_family()
        run.signal(number)
        assert run.wait() == 0
        assert run.survivors() == []
        assert recording(run.output).exists()
        assert run.errors == ""
    assert list(temporary.iterdir()) == []


def test_a_second_interrupt_ends_it_at_once_and_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    with stem(tmp_path, "demo", "--seconds", "0") as run:
        run.wait_for(" poll number=2 ")
        run.note_family()
        run.signal(signal.SIGINT)
        while run.process.poll() is None:
            time.sleep(0.05)
            with suppress(ProcessLookupError):
                run.signal(signal.SIGINT)
        assert run.wait() == -signal.SIGINT
        assert run.survivors() == []
        assert run.errors == ""
    wait_until(lambda: list(temporary.iterdir()) == [], "the folder to be gone")


def test_killed_it_takes_its_children_along(tmp_path: Path, temporary: Path) -> None:
    with stem(tmp_path, "demo", "--seconds", "60") as run:
        run.wait_for(" poll number=2 ")
        run.note_family()
        assert len(run.family) >= PROCESSES - 1
        assert [folder.name[:10] for folder in temporary.iterdir()] == ["stem-demo-"]
        run.signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        assert run.survivors() == []
    assert list(temporary.iterdir()) == []


def test_interrupted_while_it_starts_it_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    with stem(tmp_path, "demo") as run:
        run.wait_for("Starting")
        parent = psutil.Process(run.process.pid)
        while len(parent.children(recursive=True)) < 3:
            assert run.process.poll() is None
        run.note_family()
        run.signal(signal.SIGINT)
        assert run.wait() == 0
        assert run.survivors() == []
        assert run.errors == ""
    assert list(temporary.iterdir()) == []


@pytest.mark.matrix
def test_left_running_until_interrupted(tmp_path: Path) -> None:
    with stem(tmp_path, "demo", "--seconds", "2", "--keep") as run:
        run.wait_for("On your own control system")
        run.note_family()
        assert "keeps running" in run.output
        host = next(line.rpartition("=")[2] for line in run.lines if "export TANGO_HOST=" in line)
        with stem(tmp_path, "check", "dserver/StemDemo/*", tango_host=host) as check:
            assert check.wait() == 0
        run.signal(signal.SIGINT)
        assert run.wait() == 0
        assert run.survivors() == []


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", "--seconds", "60"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        while b" poll " not in process.stdout.readline():
            assert process.poll() is None
        family = psutil.Process(process.pid).children(recursive=True)
        process.stdout.close()
        assert process.wait(40) == 0
        assert process.stderr.read() == b""
        assert psutil.wait_procs(family, timeout=5)[1] == []
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
