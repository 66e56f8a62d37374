"""A directory that is watched while processes write to it: each row once, and none that is half written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from stem_device import telemetry
from stem_device.errors import TelemetryError
from stem_device.model.clock import MAX_UTC_NS
from stem_device.model.limits import MAX_COUNT
from stem_device.telemetry import following
from stem_device.telemetry.following import Follower
from stem_device.telemetry.reading import MAX_PID, MAX_TIME_NS, MAX_VALUE

HEADER = "Timepoint,Measurement,Label,PID\r\n"


def append(path: Path, text: str) -> None:
    with path.open("ab") as file:
        file.write(text.encode())


def test_each_row_once_and_only_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "duration.a.csv"
    append(path, f"{HEADER}1,0.5,before,7\r\n")
    follower = Follower(tmp_path)
    assert follower.look() == []
    append(path, '2,0.25,"a, ""b""\r\nc",7\r\n3,0.1')
    assert follower.look() == [("duration", 2, 0.25, 'a, "b"\r\nc', 7)]
    append(path, "25,x,7\r\nnonsense\r\n")
    append(tmp_path / "runtime.b.csv", f"{HEADER}4,9,rss,8\r\n")
    (tmp_path / "duration.c.tmp").write_text(f"{HEADER}5,1,hidden,9\r\n")
    assert follower.look() == [("duration", 3, 0.125, "x", 7), ("runtime", 4, 9.0, "rss", 8)]
    assert (follower.look(), follower.skipped) == ([], 1)
    path.unlink()
    append(path, f"{HEADER}6,1,anew,7\r\n")
    assert [row.label for row in follower.look()] == ["anew"]


def test_what_a_process_writes_while_it_is_read(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert follower.look() == []
    telemetry.start(tmp_path, flush_seconds=0.01, file_bytes=5000)
    labels = []
    for number in range(2000):
        with telemetry.time_it(f"x{number % 7}"):
            pass
        if number % 100 == 0:
            labels += [row.label for row in follower.look()]
    telemetry.stop()
    labels += [row.label for row in follower.look()]
    assert labels.count("x0") == 286
    assert len(labels) == 2000


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(tmp_path / "later")
    with pytest.raises(TelemetryError, match=r"later.*cannot be read: No such file"):
        follower.look()
    (tmp_path / "later").mkdir()
    os.mkfifo(tmp_path / "later" / "duration.pipe.csv")
    append(tmp_path / "later" / "duration.a.csv", f"{HEADER}1,0.5,new,7\r\n")
    assert [row.label for row in follower.look()] == ["new"]
    monkeypatch.setattr(following, "CHUNK", 64)
    append(tmp_path / "later" / "duration.a.csv", "y" * 200 + "\r\n" + "2,0.5,after,7\r\n" * 10)
    assert [row.label for row in follower.look()].count("after") >= 9  # a line without end is passed over


def test_the_limits_are_those_of_recordings() -> None:
    """Telemetry stands below what recordings are made of, and cannot ask there."""
    assert (MAX_TIME_NS, MAX_VALUE) == (MAX_UTC_NS, MAX_COUNT)


def test_numbers_that_no_table_holds_are_no_row(tmp_path: Path) -> None:
    """One such line must not cost a monitor its poll."""
    follower = Follower(tmp_path)
    follower.look()
    large = 1 << 63
    append(tmp_path / "duration.a.csv", f"{HEADER}1,1,x,{large}\r\n{large},1,x,7\r\n{-large},1,x,7\r\n")
    append(tmp_path / "duration.a.csv", f"{MAX_TIME_NS},1,last,{MAX_PID}\r\n")
    assert [row.label for row in follower.look()] == ["last"]
    assert follower.skipped == 3
    assert telemetry.open_telemetry(tmp_path).duration().skipped == 3


def test_a_file_of_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs no row of the others, and is read once it can be."""
    follower = Follower(tmp_path)
    follower.look()
    append(tmp_path / "duration.a.csv", f"{HEADER}1,1,theirs,7\r\n")
    append(tmp_path / "duration.b.csv", f"{HEADER}1,1,ours,8\r\n")
    opened = Path.open

    def guarded(path: Path, *more: Any, **named: Any) -> Any:
        if path.name == "duration.a.csv":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", guarded)
        assert [row.label for row in follower.look()] == ["ours"]
        assert follower.problem == f"{tmp_path / 'duration.a.csv'}: cannot be read: Permission denied"
    assert [row.label for row in follower.look()] == ["theirs"]
    assert follower.problem == ""
