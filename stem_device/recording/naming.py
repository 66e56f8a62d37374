"""Names of recordings, and which files are recordings of this package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from stem_device.recording.format import FORMAT_NAME
from stem_device.recording.untyped import import_h5py

MAX_LABEL_CHARACTERS = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_NAME = re.compile(r"\d{8}T\d{6}Z(-[A-Za-z0-9_-]+)?(\.\d+)?\.h5")


def candidates(directory: Path, utc_ns: int, label: str) -> Iterator[Path]:
    """``<UTC timestamp>[-label].h5``, then the same with a counter, without end.

    A label cannot leave the directory: what is not an ASCII letter, a digit, ``_`` or ``-`` becomes ``_``.
    """
    stamp = datetime.fromtimestamp(utc_ns // 10**9, UTC).strftime("%Y%m%dT%H%M%SZ")
    safe = _UNSAFE.sub("_", label.strip())[:MAX_LABEL_CHARACTERS]
    stem = f"{stamp}-{safe}" if safe else stamp
    yield directory / f"{stem}.h5"
    for number in count(2):
        yield directory / f"{stem}.{number}.h5"


def own_recordings(directory: Path) -> list[Path]:
    """Recordings of this package in ``directory``, oldest first: name and content must both say so."""
    named = [
        path
        for path in directory.iterdir()
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]
    return [path for path in sorted(named, key=_age) if _is_recording(path)]


def _age(path: Path) -> tuple[str, int]:
    """The stamp in the name, then when it was last written: clocks of file systems are coarse."""
    return path.name[:16], path.stat().st_mtime_ns


def _is_recording(path: Path) -> bool:
    with suppress(OSError), import_h5py().File(path, "r", locking=False) as file:
        return bool(file.attrs.get("stem_format") == FORMAT_NAME)
    return False
