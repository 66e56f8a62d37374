"""On, off and reconfigured while the program runs, by itself and from outside."""

from __future__ import annotations

import json
import os
import pstats
import threading
import time
from pathlib import Path

import pytest

from stem_device import telemetry
from stem_device.telemetry import CONTROL_FILE, session
from tests.unit.telemetry.earlier_format import read
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SECOND", 0.02)


@pytest.mark.parametrize("form", [CONTROL_FILE, "telemetry.{pid}.control"])
def test_a_file_turns_it_off_and_on(form: str, tmp_path: Path) -> None:
    name = form.format(pid=os.getpid())
    telemetry.start(tmp_path)
    (tmp_path / name).write_text("telemetry off  # for a while\n")
    wait_until(lambda: not telemetry.health().on)
    assert telemetry.start_duration_sample() == ""
    (tmp_path / name).write_text("Telemetry = ON\n\n")
    wait_until(lambda: telemetry.health().on)
    (tmp_path / name).write_text("telemetry off")
    wait_until(lambda: not telemetry.health().on)
    (tmp_path / name).unlink()
    wait_until(lambda: telemetry.health().on)


def test_it_is_obeyed_from_the_first_moment_and_not_by_others(tmp_path: Path) -> None:
    (tmp_path / CONTROL_FILE).write_text("telemetry off")
    (tmp_path / "telemetry.1.control").write_text("telemetry on")
    telemetry.start(tmp_path)
    assert telemetry.start_duration_sample() == ""


def test_what_it_may_set(tmp_path: Path) -> None:
    telemetry.start(tmp_path, flush_seconds=3600)
    telemetry.stop_duration_sample("x", telemetry.start_duration_sample())
    (tmp_path / CONTROL_FILE).write_text(
        "flush_seconds 0.02\nruntime on\nfile_bytes 1024\nprofiler sampling\n"
    )
    wait_until(lambda: len(list(tmp_path.glob("runtime.*.csv"))) > 1)
    assert len(read(tmp_path)) == 1
    (tmp_path / CONTROL_FILE).unlink()
    wait_until(lambda: list(tmp_path.glob("profiler.*.speedscope.json")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("telemetry maybe", "line 1.*on or off.*maybe"),
        ("\nflush 3", "line 2.*'flush' is not one of"),
        ("flush_seconds = soon", "line 1.*soon"),
        ("memory_bytes 3", "line 1.*memory_bytes"),
        ("profiler perf", "line 1.*perf"),
        ("directory /", "'directory' is not one of"),
    ],
)
def test_what_makes_no_sense_changes_nothing(text: str, told: str, tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    before = telemetry.health().errors
    (tmp_path / CONTROL_FILE).write_text(text)
    wait_until(lambda: telemetry.health().errors > before)
    assert telemetry.health().on
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(telemetry.health().last_error)


def test_a_pipe_is_no_control_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / CONTROL_FILE)
    telemetry.start(tmp_path)
    wait_until(lambda: "not a plain file" in telemetry.health().last_error)
    with telemetry.time_it("x"):
        pass
    assert telemetry.flush()
    assert len(read(tmp_path)) == 1


def busy_function(seconds: float = 0.2) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        sum(range(100))


def profiled(path: Path) -> set[str]:
    return {name for _, _, name in pstats.Stats(str(path)).stats}  # type: ignore[attr-defined]


def test_cprofile_of_this_thread_and_of_later_ones(tmp_path: Path) -> None:
    telemetry.start(tmp_path, with_profiler=True)
    busy_function(0.01)
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    telemetry.start(tmp_path)
    (path,) = tmp_path.glob("profiler.*")
    assert path.name == f"profiler.{os.getpid()}.data"
    assert {"busy_function", "in_a_thread"} <= profiled(path)
    telemetry.start(tmp_path, with_profiler="cprofile")
    telemetry.stop()
    assert "in_a_thread" in profiled(path)
    assert "in_a_thread" not in profiled(tmp_path / f"profiler.{os.getpid()}.2.data")


def in_a_thread() -> None:
    busy_function(0.01)


def test_samples_of_all_threads(tmp_path: Path) -> None:
    telemetry.start(tmp_path, with_profiler="sampling", profiler_hertz=200)
    thread = threading.Thread(target=busy_function, name="worker")
    thread.start()
    busy_function()
    thread.join()
    telemetry.stop()
    document = json.loads((tmp_path / f"profiler.{os.getpid()}.speedscope.json").read_text())
    names = [frame["name"] for frame in document["shared"]["frames"]]
    assert "busy_function" in names
    profiles = {profile["name"]: profile for profile in document["profiles"]}
    for name in ("worker", "MainThread"):
        profile = profiles[name]
        assert len(profile["samples"]) == len(profile["weights"])
        busy = sum(
            weight
            for stack, weight in zip(profile["samples"], profile["weights"], strict=True)
            if any(names[index] == "busy_function" for index in stack)
        )
        assert 0.05 < busy <= profile["endValue"] + 1e-9
        assert all(0 <= index < len(names) for stack in profile["samples"] for index in stack)
