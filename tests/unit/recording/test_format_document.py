"""The reference of the format and a real file say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.format import FORMAT_NAME, FORMAT_VERSION
from tests.unit.recording.snapshots import snapshot

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "file-format.md"
Columns = dict[str, tuple[str, str, str]]


def documented_tables() -> dict[str, Columns]:
    """Type, units and meaning by table and column."""
    tables: dict[str, Columns] = {}
    for section in re.split(r"^### ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]:
        name = section.split("\n", 1)[0]
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\S+) \| (.*) \|$", section, flags=re.MULTILINE)
        tables[name] = {column: (kind, units, about) for column, kind, units, about in rows}
    return tables


def documented_names(heading: str) -> set[str]:
    """Names in the first column of the table whose heading begins so."""
    text = DOCUMENT.read_text().split(f"| {heading}", 1)[1].split("\n\n", 1)[0]
    rows = [line.split("|")[1] for line in text.splitlines()[2:]]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("format") / "x.h5"
    context = RecordingContext(
        "label", ("sys/*/*",), {"PollPeriod": "10.0"}, "host", {"stem-device": "0.1.0"}
    )
    recorder = Hdf5Recorder(path, context)
    recorder.write(snapshot(0))
    recorder.close()
    with h5py.File(path) as file:
        yield file


def found_column(dataset) -> tuple[str, str, str]:
    kind = "name" if "names" in dataset.attrs else "text" if dataset.dtype.kind == "S" else dataset.dtype.name
    if kind == "name":
        assert dataset.dtype == "int32"
    return kind, dataset.attrs.get("units", "-"), dataset.attrs["description"]


def test_every_column_of_the_file_is_documented_and_the_other_way_round(recording) -> None:
    found = {
        name: {column: found_column(dataset) for column, dataset in group.items()}
        for name, group in recording["entry"].items()
        if isinstance(group, h5py.Group) and name not in {"context", "timeline", "workspace"}
    }
    assert found == documented_tables()


def test_the_columns_of_a_table_are_equally_long(recording) -> None:
    for name in documented_tables():
        assert len({dataset.shape for dataset in recording["entry"][name].values()}) == 1, name


def test_the_metadata_is_documented_and_the_other_way_round(recording) -> None:
    assert set(recording.attrs) == documented_names("attribute of `/`")
    tables = set(documented_tables())
    assert set(recording["entry"]) - tables == documented_names("in `/entry` (")
    assert set(recording["entry/context"]) == documented_names("in `/entry/context`")


def test_the_version_is_that_of_the_document(recording) -> None:
    text = DOCUMENT.read_text()
    assert text.startswith(f"# The recording format, version {FORMAT_VERSION}\n")
    assert recording.attrs["stem_format"] == FORMAT_NAME
    assert recording.attrs["stem_format_version"] == FORMAT_VERSION
