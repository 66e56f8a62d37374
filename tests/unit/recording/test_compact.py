"""A short recording that is closed is written anew in fewer bytes, and says the same as before."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.recording import Hdf5Recorder, RecordingContext, compact
from tests.unit.recording.snapshots import Size, reply_text, snapshots

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

QUIET = Size(servers=2, streams=2, subscriptions=2, samples=5)


def recorded(path: Path, polls: int = 3) -> Hdf5Recorder:
    recorder = Hdf5Recorder(path, RecordingContext(label="short"))
    for snapshot in islice(snapshots(QUIET), polls):
        recorder.write(snapshot)
    return recorder


def content(path: Path) -> dict[str, np.ndarray | str]:
    found: dict[str, np.ndarray | str] = {}

    def take(name: str, item: Any) -> None:
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = str(value)
        if isinstance(item, h5py.Dataset) and name != "entry/workspace/tails":
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def test_five_quiet_minutes_take_no_more_than_twice_their_json_lines(tmp_path):
    """The target; what the file takes while it grows is for its safety."""
    recorder = Hdf5Recorder(tmp_path / "quiet.h5", RecordingContext(label="quiet"))
    json_bytes = 0
    for snapshot in islice(snapshots(QUIET), 30):
        recorder.write(snapshot)
        json_bytes += sum(len(reply_text(server, snapshot)) for server in range(2))
    recorder.close()
    size = (tmp_path / "quiet.h5").stat().st_size
    assert size <= 2 * json_bytes
    assert recorder.bytes_written == size


def test_it_says_the_same_as_before(tmp_path, monkeypatch):
    made = {}
    for name in ("plain", "compact"):
        with monkeypatch.context() as patch:
            if name == "plain":
                patch.setattr("stem_device.recording.hdf5.compact", lambda *_: None)
            recorded(tmp_path / f"{name}.h5").close()
        made[name] = content(tmp_path / f"{name}.h5")
    plain, small = made["plain"], made["compact"]
    assert small.keys() == plain.keys()
    own = {"entry/entry_identifier", "entry/context/end_time"} | {k for k in plain if "time" in k}
    for name in plain.keys() - own:
        np.testing.assert_array_equal(small[name], plain[name], err_msg=name)
    assert (tmp_path / "compact.h5").stat().st_size * 5 < (tmp_path / "plain.h5").stat().st_size


def test_rows_may_still_be_added_by_other_programs(tmp_path):
    recorded(tmp_path / "short.h5").close()
    with h5py.File(tmp_path / "short.h5", "r+") as file:
        file["entry/polls/poll"].resize((5,))
        assert file["entry/polls/poll"].chunks == (64,)


def test_no_trace_stays_and_the_permissions_are_kept(tmp_path):
    recorder = recorded(tmp_path / "short.h5")
    (tmp_path / "short.h5").chmod(0o640)
    recorder.close()
    assert [one.name for one in tmp_path.iterdir()] == ["short.h5"]
    assert stat.S_IMODE((tmp_path / "short.h5").stat().st_mode) == 0o640


@pytest.mark.parametrize("failure", ["disk full", "another link", "long", "replaced"])
def test_the_first_file_stays_where_it_must(tmp_path, monkeypatch, failure):
    """Complete as it was: if the second cannot be written, if others know it by another name, if it is long,
    if somebody put another file there."""
    path = tmp_path / "short.h5"
    recorder = recorded(path)
    write = compact._write

    def fail(*arguments):
        if failure == "disk full":
            raise OSError(28, "No space left on device")
        write(*arguments)
        path.rename(tmp_path / "moved.h5")
        path.write_bytes(b"somebody else's")

    if failure in ("disk full", "replaced"):
        monkeypatch.setattr(compact, "_write", fail)
    if failure == "another link":
        os.link(path, tmp_path / "other.h5")
    if failure == "long":
        monkeypatch.setattr("stem_device.recording.hdf5.MAX_ROW_BYTES", 1000)
    recorder.close()
    if failure == "replaced":
        assert path.read_bytes() == b"somebody else's"
        path = tmp_path / "moved.h5"
    with h5py.File(path) as file:
        assert len(file["entry/polls/poll"]) == 3
        assert len(file["entry/context/end_time"]) == 1
        assert "tails" in file["entry/workspace"]
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
