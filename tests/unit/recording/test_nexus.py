"""Recordings are NeXus files with a default plot, and the validators find no error."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.recording.snapshots import snapshots

h5py = pytest.importorskip("h5py")
pytest.importorskip("nexusformat")
pytest.importorskip("punx")
pytestmark = pytest.mark.extras

CONTEXT = RecordingContext("nexus", ("sys/*/*",), {"PollPeriod": "10.0"}, "host", {"stem-device": "0.1.0"})


@pytest.fixture(params=["closed", "writer died", "empty", "no context"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    context = RecordingContext() if request.param == "no context" else CONTEXT
    recorder = Hdf5Recorder(tmp_path / "x.h5", context)
    for one in islice(snapshots(), 0 if request.param == "empty" else 8):
        recorder.write(one)
    if request.param == "closed":
        recorder.close()
    return tmp_path / "x.h5"


def run(tool: str, *arguments: str) -> str:
    finished = subprocess.run(
        [str(Path(sys.executable).parent / tool), *arguments], capture_output=True, text=True, check=False
    )
    return finished.stdout


def errors(output: str, pattern: str) -> int:
    """The validators exit with 0 whatever they find."""
    (count,) = re.findall(pattern, output)
    return int(count)


def test_nxcheck_finds_no_error(recording: Path) -> None:
    assert errors(run("nxcheck", str(recording)), r"Total number of errors: (\d+)") == 0


@pytest.mark.needs("punx")
def test_punx_finds_no_error(recording: Path) -> None:
    assert errors(run("punx", "validate", str(recording)), r"ERROR +(\d+) +violates NeXus") == 0


@pytest.mark.needs("punx")
def test_the_validators_would_find_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.h5"
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "nowhere"
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file["entry"].create_group("data").attrs["NX_class"] = "NXdata"  # without signal

    found = errors(run("nxcheck", str(path)), r"Total number of errors: (\d+)")
    found_too = errors(run("punx", "validate", str(path)), r"ERROR +(\d+) +violates NeXus")
    assert found > 0
    assert found_too > 0


def test_the_default_plot_is_found_from_the_root(recording: Path) -> None:
    with h5py.File(recording) as file:
        entry = file[file.attrs["default"]]
        plot = entry[entry.attrs["default"]]
        assert (file.attrs["NX_class"], entry.attrs["NX_class"], plot.attrs["NX_class"]) == (
            "NXroot",
            "NXentry",
            "NXdata",
        )
        (axis,) = plot.attrs["axes"]
        signals = [plot.attrs["signal"], *plot.attrs["auxiliary_signals"]]
        assert signals == ["missed_total", "unaccounted_total", "overdue"]
        assert {plot[name].shape for name in signals} == {plot[axis].shape}
        assert all(plot[name].attrs["units"] == "count" for name in signals)
        labels = [plot[name].attrs["long_name"] for name in signals]
        assert labels == ["events missed", "events unaccounted", "events overdue"]
        assert plot[axis].attrs["units"] == "s"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", plot[axis].attrs["start"])
        assert plot.attrs[f"{axis}_indices"].tolist() == [0]
