"""Files that cannot be read: which, why, and what to do."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.errors import MissingExtraError, StemError, UnreadableRecordingError
from stem_device.reading import access
from tests.unit.synthetic_recording import Plan, write_recording

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("errors") / "a.h5", Plan(polls=3)).paths[0]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_WAIT_SECONDS", 0.0)


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good, tmp_path / "bad.h5"))


def change(path: Path, work: Callable[[Any], object]) -> None:
    with h5py.File(path, "r+") as file:
        work(file)


def refused(path: Path) -> UnreadableRecordingError:
    with pytest.raises(UnreadableRecordingError) as caught:
        open_recording(path)
    assert caught.value.path == str(path)
    assert str(caught.value) == f"cannot read {path}: {caught.value.reason}; {caught.value.advice}"
    assert isinstance(caught.value, StemError)
    return caught.value


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.h5").reason == "no such file or directory"
    assert refused(tmp_path).reason == "is a directory"


@pytest.mark.parametrize("content", [b"", b'{"time": "2026-11-22T03:12:31"}\n', b"\x89HDF"])
def test_no_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    error = refused(path)
    assert error.reason == "it is no HDF5 file"
    assert "stem import" in error.advice


def test_another_hdf5_file(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = np.arange(3)
    assert "no recording of stem-device" in refused(path).reason


@pytest.mark.parametrize("version", ["2.0", "2.7", "0.9", "none"])
def test_another_version(path: Path, version: str) -> None:
    change(path, lambda file: file.attrs.modify("stem_format_version", version))
    error = refused(path)
    assert error.reason == f"its format is version {version}, and this program reads 1.x"
    assert error.advice == "use a newer stem-device"


def test_a_truncated_file(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    error = refused(path)
    assert error.reason.startswith("it is damaged: ")
    assert "stem validate" in error.advice
    assert "stem recover" in error.advice


@pytest.mark.parametrize(
    "missing", ["entry", "entry/polls", "entry/context", "entry/entry_identifier", "entry/context/end_time"]
)
def test_a_file_without_what_identifies_it(path: Path, missing: str) -> None:
    change(path, lambda file: file.__delitem__(missing))
    assert refused(path).reason.startswith("it is damaged: ")


def test_a_time_that_is_none(path: Path) -> None:
    def spoil(file: Any) -> None:
        del file["entry/context/recording_start_time"]
        file["entry/context/recording_start_time"] = "soon"

    change(path, spoil)
    assert "recording_start_time" in refused(path).reason


def spoil_names(file: Any) -> None:
    file["entry/streams/stream"][2] = 10**6


def spoil_negative(file: Any) -> None:
    file["entry/streams/stream"][2] = -2


def spoil_length(file: Any) -> None:
    file["entry/streams/stream"].resize((5,))


def spoil_column(file: Any) -> None:
    del file["entry/streams/stream"]


def spoil_ends(file: Any) -> None:
    file["entry/polls/streams_end"][1] = 0


def spoil_continues(file: Any) -> None:
    file["entry/names/continues"][0] = 1


def spoil_chunk(file: Any) -> None:
    file["entry/streams/stream"].id.write_direct_chunk((0,), b"no zlib", filter_mask=0)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_names, "entry/streams/stream has names that do not exist"),
        (spoil_negative, "entry/streams/stream has names that do not exist"),
        (spoil_length, "entry/streams/stream has 5 rows, but by the polls it has 60"),
        (spoil_column, "entry/streams/stream: "),
        (spoil_ends, "entry/polls/streams_end falls"),
        (spoil_continues, "the first row of entry/names continues another one"),
        (spoil_chunk, "entry/streams/stream: "),
    ],
)
def test_damage_is_noticed_when_it_is_read(path: Path, spoil: Callable[[Any], None], reason: str) -> None:
    change(path, spoil)
    with open_recording(path) as recording:
        assert len(recording["polls"]["missed_total"]) == 3
        with pytest.raises(UnreadableRecordingError, match="stem recover") as caught:
            recording["streams"]["stream"]
    assert caught.value.reason.startswith("it is damaged: ")
    assert reason in caught.value.reason
    assert caught.value.path == str(path)


def test_rows_of_another_poll_make_no_snapshot(path: Path) -> None:
    change(path, lambda file: file["entry/streams/poll"].__setitem__(25, 1000))
    with open_recording(path) as recording, pytest.raises(UnreadableRecordingError, match="of other polls"):
        list(recording.snapshots())


def test_samples_of_a_server_that_was_not_asked(path: Path) -> None:
    change(path, lambda file: file["entry/publisher_samples/server"].__setitem__(0, 0))
    with open_recording(path) as recording:
        server = recording["streams"].codes("stream")[0]
    change(path, lambda file: file["entry/publisher_samples/server"].__setitem__(0, server))
    with open_recording(path) as recording, pytest.raises(UnreadableRecordingError, match="was not asked"):
        list(recording.snapshots())


def test_one_bad_file_of_several_closes_the_others(good: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError):
        open_recording([good, tmp_path / "none.h5"])
    with h5py.File(good, "r+"):  # would fail if it were still open for reading
        pass


def test_after_closing(good: Path) -> None:
    recording = open_recording(good)
    view = recording.select(servers="*")
    recording.close()
    recording.close()
    with pytest.raises(UnreadableRecordingError, match="it was closed"):
        view["streams"]["stream"]


def test_without_h5py(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_module(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", no_module)
    with pytest.raises(MissingExtraError, match=r"reading recordings needs .* 'stem-device\[hdf5\]'"):
        open_recording(good)
