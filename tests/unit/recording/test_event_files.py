"""Events in a file and back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.errors import RecordingError
from stem_device.reading.event_files import read_events
from stem_device.recording.event_files import HeardEvent, open_events

pytestmark = pytest.mark.extras

TOPIC = "tango://db:10000/a/b/c/d.idl5_change"
EVENTS = [
    HeardEvent(1_700_000_000_000_001_000, TOPIC, 1, 142),
    HeardEvent(1_700_000_000_500_000_000, TOPIC, 2, 142, "DevDouble", 1.5, None, "ATTR_VALID"),
    HeardEvent(1_700_000_001_000_000_000, "other", 2**33, 9, "DevString", ["é", ""], ["x"], "ATTR_ALARM"),
    HeardEvent(1_700_000_001_000_000_000, TOPIC, 3, 9, errors=(("Reason", "text", "origin"),)),
    HeardEvent(1_700_000_002_000_000_000, TOPIC, 0, 9, undecoded="it is cut off"),
]


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "h5"])
def test_what_is_written_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"events.{suffix}"
    file = open_events(path)
    for event in EVENTS[:3]:
        file.add(event)
    file.flush()
    assert list(read_events(path)) == EVENTS[:3], "what was flushed can be read while it grows"
    for event in EVENTS[3:]:
        file.add(event)
    file.close()
    assert list(read_events(path)) == EVENTS
    with pytest.raises(RecordingError, match="there already"):
        open_events(path)


def line(**told: object) -> bytes:
    event = {"time": "2026-01-01T00:00:00Z", "name": TOPIC, "counter": 1, "size": 142, **told}
    return json.dumps(event).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"time": "2026-01-01T00:00:00Z"}\n', "line 1 is no event"),
        ("a.jsonl", b'{"name": "x", "counter": 1, "size": 1}\n', "line 1 is no event"),
        ("a.jsonl", b"nonsense\n", "line 1 is no event"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "line 1 is no event"),
        ("a.jsonl", b"null\n", "line 1 is no event"),
        ("a.jsonl", line(time="2026-01-01T00:00:00"), "no time zone"),
        ("a.jsonl", line(time="1969-12-31T23:59:59Z"), "line 1 is no event"),
        ("a.jsonl", line(size=10**12), "line 1 is no event"),
        ("a.jsonl", line(size=-1), "line 1 is no event"),
        ("a.jsonl", line(counter=2**64), "line 1 is no event"),
        ("a.jsonl", line(name="x" * 20_000), "line 1 is no event"),
        ("a.h5", b"nonsense", "no events"),
    ],
)
def test_a_file_of_something_else(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        list(read_events(path))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("names", np.array([1, 2])),
        ("names", np.array([b"a\xff"])),
        ("names", None),
        ("name", np.array([-1, -1], np.int32)),
        ("name", np.array([5, 5], np.int32)),
        ("name", np.array([0.5, 0.5])),
        ("time_utc_ns", np.array([-5, -5])),
        ("time_utc_ns", 5),
        ("size", np.array([1, 2**62])),
        ("counter", np.array([np.nan, np.nan])),
        ("about", np.array([b"[" * 100_000, b""])),
        ("about", np.array([b"[1]", b""])),
    ],
)
def test_columns_that_stem_tap_does_not_write(column: str, values: Any, tmp_path: Path) -> None:
    """Each of these was an error of Python's, or somebody else's name."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "events.h5"
    file = open_events(path)
    for event in EVENTS[:2]:
        file.add(event)
    file.close()
    with h5py.File(path, "r+") as damaged:
        del damaged[column]
        if values is None:
            damaged.create_group(column)
        else:
            damaged[column] = values
    with pytest.raises(RecordingError, match="no events"):
        list(read_events(path))


FILL = """
import os, resource, sys
from pathlib import Path
from stem_device.errors import RecordingError
from stem_device.recording.event_files import HeardEvent, open_events

path, room = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
flushed = 0
try:
    file = open_events(path)
    try:
        while flushed < 100_000:
            for number in range(flushed, flushed + 500):
                text = os.urandom(40).hex()
                at = 1_700_000_000_000_000_000 + number
                file.add(HeardEvent(at, "a/b/c/d.change", number, 9, "DevString", text))
            file.flush()
            flushed += 500
    finally:
        file.close()
except RecordingError as error:
    print(flushed, error)
"""


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "h5"])
@pytest.mark.parametrize("room", [100, 200_000, 4_000_000])
def test_a_full_disk_leaves_what_was_flushed(suffix: str, room: int, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk. A write that fails in HDF5 itself ends it all."""
    path = tmp_path / f"events.{suffix}"
    run = subprocess.run(
        [sys.executable, "-c", FILL, path, str(room)], check=True, capture_output=True, text=True, timeout=120
    )
    flushed, _, told = run.stdout.partition(" ")
    assert "cannot" in told
    assert str(path) in told
    assert run.stderr == ""
    if path.exists():
        events = list(read_events(path))
        assert [event.counter for event in events] == list(range(int(flushed)))
    assert path.exists() or flushed == "0"
    assert room < 1_000_000 or int(flushed) > 0


def test_room_that_was_taken_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    file = open_events(path)
    file.add(EVENTS[0])
    file.flush()
    before = path.stat().st_size
    file.close()
    file.close()
    assert path.stat().st_size < before // 10
    assert list(read_events(path)) == EVENTS[:1]
