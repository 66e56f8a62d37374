"""File names in messages: one sees where they end, and none can be taken for another message."""

from pathlib import Path

import pytest

from stem_device.errors import NotRecordedError, RecordingError, UnreadableRecordingError, shown_path


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("night.h5", "night.h5"),
        ("/data/ümlaut-1_2+3.h5", "/data/ümlaut-1_2+3.h5"),
        ("two words.h5", "'two words.h5'"),
        ("a\nstem: all is well.h5", r"'a\nstem: all is well.h5'"),
        ("\x1b[31mred.h5", r"'\x1b[31mred.h5'"),
        ("it's.h5", '"it\'s.h5"'),
        ("", "''"),
        ("\udcff.h5", r"'\udcff.h5'"),
    ],
)
def test_names_are_quoted_where_they_need_it(name: str, shown: str) -> None:
    assert shown_path(name) == shown
    assert str(RecordingError(name, "read", "gone")) == f"cannot read {shown}: gone"
    assert f"read {shown}:" in str(UnreadableRecordingError(name, "gone", "look for it"))
    assert f"in {shown}:" in str(NotRecordedError("polls", "poll", name, "1.0"))
    assert RecordingError(Path(name or "."), "read", "gone").path == str(Path(name or "."))
