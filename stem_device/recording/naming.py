"""Names of recordings, and which files are recordings of this package."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from stem_device.errors import RefusedFileError
from stem_device.recording.format import FORMAT_NAME
from stem_device.recording.gate import attribute, open_hdf5, small, text_of, texts_of
from stem_device.recording.layout import ENTRY
from stem_device.recording.recorder import Owner

MAX_LABEL_CHARACTERS = 64
_UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, RefusedFileError)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_NAME = re.compile(r"\d{8}T\d{6}Z(-[A-Za-z0-9_-]+)?(\.\d+)?\.h5")


def candidates(directory: Path, utc_ns: int, label: str) -> Iterator[Path]:
    """``<UTC timestamp>[-label].h5``, then the same with a counter, without end.

    A label cannot leave the directory: what is not an ASCII letter, a digit, ``_`` or ``-`` becomes ``_``.
    """
    stem = _stem(utc_ns // 10**9, label)
    yield directory / f"{stem}.h5"
    for number in count(2):
        yield directory / f"{stem}.{number}.h5"


def own_recordings(directory: Path, owner: Owner) -> list[Path]:
    """Recordings of ``owner`` in ``directory`` that nobody writes or uses otherwise, oldest first.

    What stands in a file says whose it is; its name must be the one that it was given. Left out are files
    that are locked (being written or read), that were not closed where locks cannot tell, that belong to
    another user, and that have a second name: somebody made that to keep them.
    """
    named = [path for path in directory.iterdir() if _NAME.fullmatch(path.name) and _is_ours_alone(path)]
    return [path for path in sorted(named, key=_age) if _is_of(path, owner) and not is_in_use(path)]


def is_in_use(path: Path) -> bool:
    """Whether somebody has locked the file. True also if nobody can tell and it was never closed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return not _is_closed(path)
    finally:
        os.close(descriptor)
    return False


def _stem(seconds: int, label: str) -> str:
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
    safe = _UNSAFE.sub("_", label.strip())[:MAX_LABEL_CHARACTERS]
    return f"{stamp}-{safe}" if safe else stamp


def _age(path: Path) -> tuple[str, int]:
    """The stamp in the name, then when it was last written: clocks of file systems are coarse."""
    return path.name[:16], path.stat().st_mtime_ns


def _is_ours_alone(path: Path) -> bool:
    """A regular file of this user under one name only."""
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1


def _is_of(path: Path, owner: Owner) -> bool:
    """Whether the file says that ``owner`` made it, under this name."""
    with suppress(*_UNREADABLE), open_hdf5(path) as file:
        if attribute(file, "stem_format") != FORMAT_NAME:
            return False
        begun = datetime.fromisoformat(text_of(file, path, "start_time"))
        stem = _stem(int(begun.timestamp()), text_of(file, path, "context/label"))
        names, values = (texts_of(file, path, f"context/property_{name}") for name in ("names", "values"))
        made_by = Owner.of(dict(zip(names, values, strict=True)), text_of(file, path, "context/host"))
        return made_by == owner and re.fullmatch(rf"{re.escape(stem)}(\.\d+)?\.h5", path.name) is not None
    return False


def _is_closed(path: Path) -> bool:
    with suppress(*_UNREADABLE), open_hdf5(path) as file:
        return bool(len(small(file, path, f"{ENTRY}/context/end_time")))
    return False
