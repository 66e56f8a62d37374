"""Events in a file and back."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"time": "2026-01-01T00:00:00Z"}\n', "line 1 is no event"),
        ("a.jsonl", b'{"name": "x", "counter": 1, "size": 1}\n', "line 1 is no event"),
        ("a.jsonl", b"nonsense\n", "line 1 is no event"),
        ("a.h5", b"nonsense", "no events"),
    ],
)
def test_a_file_of_something_else(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        list(read_events(path))
