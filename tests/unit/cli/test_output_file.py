from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rich")

from stem_device.cli.output_file import OutputFile
from stem_device.errors import OptionError, RecordingError, StemError
from stem_device.model.options import Options
from tests.unit.report.report_snapshots import server, snapshot

pytestmark = pytest.mark.extras

OPTIONS = Options(target_devices=("a/b/c",))


def test_json_lines_are_written_poll_by_poll(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    output = OutputFile(path, OPTIONS)
    output.take(snapshot(server()))
    output.take(snapshot(server(), poll=2))
    assert output.polls == 2
    assert output.bytes_written == path.stat().st_size
    output.close()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2
    assert output.error == ""


def test_a_file_that_is_there_is_appended_to_or_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"mine": 1}\n')
    with pytest.raises(OptionError, match="is there already"):
        OutputFile(path, OPTIONS)
    output = OutputFile(path, OPTIONS, append=True)
    output.take(snapshot(server()))
    output.discard()
    assert path.read_text().startswith('{"mine": 1}\n')
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["run.h5", "run.H5", "run.hdf5", "run.nxs"])
def test_hdf5_cannot_be_appended_to(name, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be appended"):
        OutputFile(tmp_path / name, OPTIONS, append=True)
    assert list(tmp_path.iterdir()) == []


def test_hdf5_by_the_name_of_the_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    output = OutputFile(tmp_path / "run.h5", OPTIONS)
    output.take(snapshot(server()))
    output.close()
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry/polls/poll"].shape == (1,)
        assert file["entry/context/targets"].asstr()[:].tolist() == ["a/b/c"]


def test_what_was_made_for_nothing_is_removed(tmp_path: Path) -> None:
    output = OutputFile(tmp_path / "run.jsonl", OPTIONS)
    output.discard()
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    """A recorder that fails from its second Snapshot on."""

    polls = 0
    bytes_written = 0

    def write(self, _snapshot) -> None:
        self.polls += 1
        if self.polls > 1:
            raise RecordingError("/x", "write to", "no space left on device")

    def close(self) -> None:
        raise RecordingError("/x", "close", "no space left on device")


def test_after_a_failure_nothing_more_is_written_and_the_first_reason_is_kept(tmp_path: Path) -> None:
    output = OutputFile(tmp_path / "run.jsonl", OPTIONS)
    output.close()
    disk = FullDisk()
    output._recorder = disk  # type: ignore[assignment] # has no marks to write
    output.take(snapshot(server()))
    for poll in range(2, 5):
        with pytest.raises(StemError, match="no space left on device"):
            output.take(snapshot(server(), poll=poll))
    output.close()
    assert disk.polls == 2
    assert output.error == "cannot write to /x: no space left on device"
