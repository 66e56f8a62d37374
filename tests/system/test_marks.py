"""Marks of runs with a real EventMonitor: what clients were told is in the file, whatever happens."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import h5py
import pytest
import tango

from stem_device.client import RunMarker
from stem_device.demo.database import EmbeddedDatabase
from stem_device.errors import MarkError, MonitorUnreachableError
from stem_device.model.mark import MarkKind
from tests.system.docs_pages import ROOT, blocks
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.stem_process import stem

T = TypeVar("T")
CLIENTS = 3
LIVES = (7, 120)
REFERENCE = ROOT / "docs" / "reference" / "marks.md"


@pytest.fixture(scope="module")
def server(database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventMonitor]:
    folder = tmp_path_factory.mktemp("marks")
    with event_monitor(database, folder, properties={"PollPeriod": ["3600"]}) as running:
        yield running


@pytest.fixture
def monitor(server: EventMonitor) -> EventMonitor:
    """It does not record, and knows of no run."""
    server.proxy.Init()
    return server


def patiently(read: Callable[[h5py.File], T], path: Path) -> T:
    """Look into a file that may be growing, as docs/howto/read-while-recording.md says."""
    for _ in range(9):
        with suppress(OSError), h5py.File(path, locking=False) as file:
            return read(file)
        time.sleep(0.05)
    with h5py.File(path, locking=False) as file:
        return read(file)


def marks_in(*paths: Path) -> list[dict[str, Any]]:
    """Every mark of these files, told fields only."""
    return [one for path in paths for one in patiently(_marks_in, path)]


def _marks_in(file: h5py.File) -> list[dict[str, Any]]:
    names = file["entry/names/text"].asstr()[:]
    table = file["entry/marks"]
    rows = min(len(column) for column in table.values())
    columns = {name: column[:rows].tolist() for name, column in table.items()}
    for name, column in table.items():
        if "names" in column.attrs:
            columns[name] = [None if row < 0 else names[row] for row in columns[name]]
    return [
        {name: column[row] for name, column in columns.items() if column[row] not in {None, -1}}
        for row in range(rows)
    ]


def short(marks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["run"], one["name"]) for one in marks]


def test_a_run_from_begin_to_end(monitor: EventMonitor) -> None:
    path = Path(monitor.proxy.StartRecording("marks"))
    marker = RunMarker(monitor.name)
    before = time.time_ns()
    with marker.run("r", device_group="mid", requestor="anna \u00fc \u65e5") as run:
        assert run.mark("flashed", time=before).recorded
    assert monitor.value("recordedMarks") == 3
    assert monitor.value("unrecordedMarks") == 0
    begin, flashed, end = marks_in(path)
    assert begin["kind"] == begin["name"] == "begin"
    assert (begin["device_group"], begin["requestor"]) == ("mid", "anna \u00fc \u65e5")
    assert (flashed["kind"], flashed["name"], flashed["emitted_utc_ns"]) == ("mark", "flashed", before)
    assert end["kind"] == end["name"] == "end"
    received = [one["received_utc_ns"] for one in (begin, flashed, end)]
    assert before <= received[0] <= received[1] <= received[2] <= time.time_ns()
    assert "error" not in end


def test_what_happened_in_a_test_that_failed_is_kept(monitor: EventMonitor) -> None:
    path = Path(monitor.proxy.StartRecording(""))
    with pytest.raises(ValueError, match="no motor"), RunMarker(monitor.proxy).run("r", iteration=2):
        raise ValueError("no motor")
    end = marks_in(path)[-1]
    assert (end["error"], end["iteration"]) == ("ValueError: no motor", 2)


def test_late_repeated_disordered_and_unknown_marks_are_all_kept(monitor: EventMonitor) -> None:
    path = Path(monitor.proxy.StartRecording(""))
    marker = RunMarker(monitor.name)
    marker.end("a")
    marker.mark("a", "tested", time="2020-01-01T00:00:00Z")
    marker.mark("a", "tested", time="2020-01-01T00:00:00Z")
    marker.begin("a", time="2099-01-01T00:00:00Z")
    marker.mark("never begun", "tested")
    assert short(marks_in(path)) == [
        ("a", "end"),
        ("a", "tested"),
        ("a", "tested"),
        ("a", "begin"),
        ("never begun", "tested"),
    ]


def test_without_a_recording_the_answer_says_so_and_the_next_one_knows_the_run(monitor: EventMonitor) -> None:
    marker = RunMarker(monitor.name)
    assert not marker.begin("r", device_group="mid").recorded
    assert "StartRecording" in marker.mark("r", "flashed").reason
    assert monitor.value("unrecordedMarks") == 2
    first = Path(monitor.proxy.StartRecording(""))
    assert monitor.value("recordedMarks") == 1
    assert marker.mark("r", "booted").recorded
    monitor.proxy.StopRecording()
    assert not marker.mark("r", "tested").recorded
    second = Path(monitor.proxy.StartRecording(""))
    marker.end("r")
    monitor.proxy.StopRecording()
    third = Path(monitor.proxy.StartRecording(""))
    assert short(marks_in(first)) == [("r", "begin"), ("r", "booted")]
    assert short(marks_in(second)) == [("r", "begin"), ("r", "end")]
    assert marks_in(first)[0] == marks_in(second)[0]
    assert marks_in(third) == []
    monitor.proxy.Init()
    assert monitor.value("unrecordedMarks") == 0


@pytest.mark.parametrize(
    ("command", "argument", "part"),
    [
        ("BeginRun", "", "the mark cannot be used"),
        ("BeginRun", '{"run": "r", "phase": 1}', "unknown field `phase`"),
        ("BeginRun", '{"run": "r", "name": "x"}', "unknown field `name`"),
        ("Mark", '{"run": "r"}', "missing required field `name`"),
        ("Mark", '{"run": "r", "name": "end"}', "use BeginRun or EndRun"),
        ("EndRun", '{"run": "r", "time": 12}', "$.time"),
        ("EndRun", '{"run": "r", "time": NaN}', "malformed"),
        ("EndRun", '{"run": "r", "error": "' + "x" * 70_000 + '"}', "65536"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_recorded(
    monitor: EventMonitor, command: str, argument: str, part: str
) -> None:
    path = Path(monitor.proxy.StartRecording(""))
    with pytest.raises(tango.DevFailed) as caught:
        monitor.proxy.command_inout(command, argument)
    error = caught.value.args[0]
    assert error.reason == "STEM_MarkError"
    assert part in error.desc
    assert "docs/reference/marks.md" in error.desc
    assert error.origin == f"EventMonitor.{command}"
    assert marks_in(path) == []


def test_the_argument_and_the_error_of_the_reference(monitor: EventMonitor) -> None:
    path = Path(monitor.proxy.StartRecording(""))
    examples = [json.loads(block.text) for block in blocks(REFERENCE) if block.language == "json"]
    (argument,) = [example for example in examples if "run" in example]
    (answer,) = [example for example in examples if "recorded" in example]
    found = json.loads(monitor.proxy.Mark(json.dumps(argument)))
    assert found == answer | {"received": found["received"]}
    datetime.fromisoformat(found["received"])
    (mark,) = marks_in(path)
    assert {name: mark[name] for name in argument if name != "time"} == {
        name: value for name, value in argument.items() if name != "time"
    }
    assert mark["emitted_utc_ns"] == 1_795_320_930_250_000_000
    (shown,) = [block.text for block in blocks(REFERENCE) if block.text.startswith("the mark cannot be used")]
    with pytest.raises(tango.DevFailed) as caught:
        monitor.proxy.BeginRun('{"run": "r", "phase": 1}')
    assert caught.value.args[0].desc.startswith(shown.strip().removesuffix("..."))


def test_marks_and_polls_of_a_recording_in_many_files(database: EmbeddedDatabase, tmp_path: Path) -> None:
    properties = {"PollPeriod": ["0.05"], "MaxRecordingBytes": ["3000000"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        monitor.proxy.StartRecording("rotated")
        marker = RunMarker(monitor.name)
        errors = (os.urandom(4000).hex() for _ in range(700))
        replies = [marker.mark("r", "m", iteration=row, error=error) for row, error in enumerate(errors)]
        monitor.wait_polls(2)
        monitor.wait(lambda: monitor.value("recordedMarks") == 700, "all marks in the files")
        monitor.proxy.StopRecording()
    # Some that a busy disk did not take within their second are told as such, and written all the same.
    assert sum(reply.recorded for reply in replies) > 350
    files = sorted(tmp_path.glob("*.h5"), key=_part)
    assert len(files) > 1
    assert [one["iteration"] for one in marks_in(*files)] == list(range(700))
    polls = [number for path in files for number in _polls_in(path)]
    assert polls == list(range(polls[0], polls[0] + len(polls)))


def _part(path: Path) -> int:
    return patiently(lambda file: int(file["entry/context/part"][()]), path)


def _polls_in(path: Path) -> list[int]:
    return patiently(lambda file: file["entry/polls/poll"][:].tolist(), path)


def _mark_until_told(device: str, client: str, reported: Any, end: Any) -> None:
    """A client process: marks as fast as it can, and reports each mark that the monitor says is recorded."""
    marker = RunMarker(device)
    number = 0
    while not end.is_set():
        try:
            if marker.mark(client, "m", iteration=number).recorded:
                reported.put((client, number))
        except MonitorUnreachableError:
            break
        number += 1
    reported.put(None)


def _reported(early: list[tuple[str, int]], reports: Any) -> dict[str, list[int]]:
    """By client, until each of them has ended."""
    numbers: dict[str, list[int]] = defaultdict(list)
    ended = 0
    while early or ended < CLIENTS:
        report = early.pop(0) if early else reports.get(timeout=30)
        if report is None:
            ended += 1
        else:
            numbers[report[0]].append(report[1])
    return numbers


@pytest.mark.timeout(120)
def test_no_mark_that_was_reported_is_lost_when_the_monitor_is_killed(
    database: EmbeddedDatabase, tmp_path: Path
) -> None:
    spawning = multiprocessing.get_context("spawn")
    for life in LIVES:
        _kill_one(database, tmp_path, spawning, life)


def _kill_one(database: EmbeddedDatabase, directory: Path, spawning: Any, life: int) -> None:
    """Killed once ``life`` marks were reported."""
    reports, end = spawning.Queue(), spawning.Event()
    with event_monitor(database, directory, properties={"PollPeriod": ["0.02"]}) as monitor:
        path = Path(monitor.proxy.StartRecording("victim"))
        clients = [
            spawning.Process(target=_mark_until_told, args=(monitor.name, f"client {number}", reports, end))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            early = [reports.get(timeout=30) for _ in range(life)]
            monitor.process.kill()
        finally:
            end.set()
        numbers = _reported(early, reports)
        for client in clients:
            client.join(30)
    found: dict[str, list[int]] = defaultdict(list)
    for one in marks_in(path):
        found[one["run"]].append(one["iteration"])
    for client, reported in numbers.items():
        assert reported == found[client][: len(reported)], path
        # At most the one that was on its way; a row is whole or not there.
        assert len(found[client]) <= len(reported) + 1
        assert found[client] == list(range(len(found[client])))


def test_clients_at_once_are_all_recorded_in_the_order_of_reception(monitor: EventMonitor) -> None:
    path = Path(monitor.proxy.StartRecording(""))

    def client(name: str) -> None:
        with tango.EnsureOmniThread():
            marker = RunMarker(monitor.name)
            for number in range(50):
                marker.mark(name, "m", iteration=number)

    clients = [threading.Thread(target=client, args=(f"client {number}",)) for number in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(60)
    marks = marks_in(path)
    assert len(marks) == 200
    for number in range(4):
        own = [one["iteration"] for one in marks if one["run"] == f"client {number}"]
        assert own == list(range(50))
    received = [one["received_monotonic_ns"] for one in marks]
    assert received == sorted(received)
    assert monitor.value("recordedMarks") == 200


def test_a_monitor_that_is_away_and_comes_back(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path) as monitor:
        name = monitor.name
        strict, patient = RunMarker(name), RunMarker(name, never_fail=True)
        strict.begin("r")
        monitor.process.kill()
        with pytest.raises(MonitorUnreachableError, match=re.escape(name)):
            strict.mark("r", "m")
        assert not patient.mark("r", "m").recorded
        assert (patient.lost, patient.unrecorded) == (1, 0)
    with pytest.raises(MonitorUnreachableError, match="no/such/monitor"):
        RunMarker(f"tango://{database.tango_host}/no/such/monitor").begin("r")
    with pytest.raises(MonitorUnreachableError, match="no EventMonitor"):
        RunMarker(f"tango://{database.tango_host}/sys/database/2").begin("r")


def test_a_disk_that_hangs_holds_nobody_up_and_loses_nothing(
    database: EmbeddedDatabase, tmp_path: Path
) -> None:
    hang = tmp_path / "hang"
    with event_monitor(
        database,
        tmp_path,
        properties={"PollPeriod": ["3600"]},
        module="tests.system.hanging_disk_event_monitor",
        environment={"HANG_FILE": str(hang)},
    ) as monitor:
        path = Path(monitor.proxy.StartRecording(""))
        marker = RunMarker(monitor.name)
        assert marker.mark("r", "before").recorded
        hang.touch()
        try:
            waiting = [marker.mark("r", name) for name in ("first", "second", "third")]
            assert all("within 1 s" in reply.reason for reply in waiting)
            assert monitor.value("recordedMarks") == 1
        finally:
            hang.unlink()
        monitor.wait(lambda: marker.mark("r", "after").recorded, "a disk that goes on")
        assert monitor.value("unrecordedMarks") == 0
        assert short(marks_in(path))[:4] == [("r", name) for name in ("before", "first", "second", "third")]
        assert len(marks_in(path)) == monitor.value("recordedMarks")


def test_mistakes_of_the_caller_are_told_in_python(monitor: EventMonitor) -> None:
    with pytest.raises(MarkError, match="length >= 1") as caught:
        RunMarker(monitor.name, never_fail=True).mark("r", "")
    assert caught.value.key == "$.name"


def test_the_command_line(monitor: EventMonitor, tmp_path: Path) -> None:
    def mark(*arguments: str) -> tuple[int, str]:
        with stem(tmp_path, "mark", *arguments, "--device", monitor.name) as run:
            return run.wait(), run.errors

    code, errors = mark("r", "begin", "--device-group", "mid \u65e5")
    assert (code, errors.count("\n")) == (0, 1)
    assert "StartRecording" in errors
    assert mark("r", "flashed", "--must-record")[0] == 1
    path = Path(monitor.proxy.StartRecording(""))
    assert mark(
        "r", "flashed", "--must-record", "--iteration", "3", "--time", "2026-11-22T04:15:30.25+01:00"
    ) == (0, "")
    assert mark("r", "end", "--error", "a fault") == (0, "")
    begin, flashed, end = marks_in(path)
    assert (begin["kind"], begin["device_group"]) == (MarkKind.BEGIN, "mid \u65e5")
    assert (flashed["iteration"], flashed["emitted_utc_ns"]) == (3, 1_795_317_330_250_000_000)
    assert (end["kind"], end["error"]) == (MarkKind.END, "a fault")
    with stem(tmp_path, "mark", "r", "m", "-d", "no/such/monitor") as run:
        assert run.wait() == 1
        assert run.errors.startswith("stem: no/such/monitor did not take the mark: ")
