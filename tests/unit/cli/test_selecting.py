"""Which files a name, a directory or a pattern means."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from stem_device.cli.selecting import files_of
from stem_device.errors import OptionError

pytestmark = pytest.mark.extras


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("", ["a.h5", "b.h5"]),
        ("*", ["a.h5", "b.h5", "c.txt"]),
        ("*a.h5*", ["a.h5"]),
        ("[ab].h5", ["a.h5", "b.h5"]),
        (".*.compact", [".a.h5.7.compact"]),
        ("gone.h5", ["gone.h5"]),
        (".hidden.h5", [".hidden.h5"]),
    ],
)
def test_hidden_files_are_meant_only_where_they_are_named(
    named: str, meant: list[str], tmp_path: Path
) -> None:
    """A writer that was killed may have left one."""
    for name in ("a.h5", "b.h5", "c.txt", ".a.h5.7.compact", ".b.h5.7.new", ".hidden.h5"):
        (tmp_path / name).touch()
    assert [path.name for path in files_of(tmp_path / named)] == meant


@pytest.mark.parametrize("named", ["", "*"])
def test_hidden_files_alone_are_no_recording(named: str, tmp_path: Path) -> None:
    (tmp_path / ".a.h5").touch()
    with pytest.raises(OptionError, match="there is no recording"):
        files_of(tmp_path / named)
