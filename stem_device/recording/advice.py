"""What went wrong with a file, where, and what to do about it, in a sentence for the operator."""

from __future__ import annotations

import errno
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "the disk is full; make room, or lower KeepRecordings, and record again",
    errno.EDQUOT: "the disk quota is used up; make room, or lower KeepRecordings, and record again",
    errno.EFBIG: "the file may not grow further; lower MaxRecordingBytes and record again",
    errno.EACCES: "no permission; let the monitor's user write there, or change RecordingDirectory",
    errno.EPERM: "no permission; let the monitor's user write there, or change RecordingDirectory",
    errno.EROFS: "the file system is read-only; change RecordingDirectory",
    errno.ENOENT: "the directory does not exist; create it, or change RecordingDirectory",
    errno.ENOTDIR: "a part of the path is not a directory; change RecordingDirectory",
    errno.EEXIST: "the file exists, and recordings are never overwritten; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter label",
    errno.EIO: "the disk has failed; see the system log, or change RecordingDirectory",
    errno.ESTALE: "the file has been removed, renamed or unmounted; record again",
}


def explain(error: OSError, path: Path) -> str:
    """A reason and an advice for ``error``, which happened in the directory of ``path``."""
    advice = _ADVICE.get(error.errno or 0)
    return f"{advice} (in {path.parent.absolute()})" if advice else str(error)
