"""What went wrong with a file, where, and what to do about it, in a sentence for the operator."""

from __future__ import annotations

import errno
from pathlib import Path

from stem_device.errors import shown_path

_MAKE_ROOM = "make room, keep fewer recordings (KeepRecordings), and record again"
_ELSEWHERE = "record to another directory (RecordingDirectory)"
_GONE = "the file has been removed, renamed, cut short or unmounted, or another program has written to it"

_ADVICE = {
    errno.ENOSPC: f"the disk is full; {_MAKE_ROOM}",
    errno.EDQUOT: f"the disk quota is used up; {_MAKE_ROOM}",
    errno.EFBIG: "the file may not grow further; lower MaxRecordingBytes and record again",
    errno.EACCES: f"no permission; let the monitor's user write there, or {_ELSEWHERE}",
    errno.EPERM: f"no permission; let the monitor's user write there, or {_ELSEWHERE}",
    errno.EROFS: f"the file system is read-only; {_ELSEWHERE}",
    errno.ENOENT: f"the directory does not exist; create it, or {_ELSEWHERE}",
    errno.ENOTDIR: f"a part of the path is not a directory; {_ELSEWHERE}",
    errno.EEXIST: "the file exists, and recordings are never overwritten; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter label",
    errno.EIO: f"the disk has failed; see the system log, or {_ELSEWHERE}",
    errno.ESTALE: f"{_GONE}; record again",
}


_OUTPUT_ADVICE = {
    errno.ENOSPC: "the disk is full; make room, or choose another directory",
    errno.EDQUOT: "the disk quota is used up; make room, or choose another directory",
    errno.EFBIG: "the file may not grow further; choose another directory, or select less",
    errno.EACCES: "no permission to write there; choose another directory",
    errno.EPERM: "no permission to write there; choose another directory",
    errno.EROFS: "the file system is read-only; choose another directory",
    errno.ENOENT: "the directory does not exist; create it, or choose another",
    errno.ENOTDIR: "a part of the path is not a directory; choose another",
    errno.EEXIST: "it is there already, and recordings are never overwritten; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "the link leads round in circles; choose another name",
    errno.EIO: "the disk has failed; see the system log, or choose another directory",
    errno.ESTALE: _GONE,
}
"""For a person at a terminal, who has no properties to change."""


def explain_output(error: OSError, path: Path) -> str:
    """As ``explain`` for the output of a command."""
    advice = _OUTPUT_ADVICE.get(error.errno or 0)
    return f"{advice} (in {shown_path(path.parent.absolute())})" if advice else str(error)


def explain(error: OSError, path: Path) -> str:
    """A reason and an advice for ``error``, which happened in the directory of ``path``."""
    advice = _ADVICE.get(error.errno or 0)
    return f"{advice} (in {shown_path(path.parent.absolute())})" if advice else str(error)
