"""A file that has its name only when it is complete; whatever ends the work before leaves nothing behind."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stem_device.errors import RecordingError
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.output_path import output_file

_present: set[Path] = set()
"""Hidden names of what is being written now."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}


@contextmanager
def published_when_complete(path: Path, *, or_standard_output: bool = False) -> Iterator[Path]:
    """A hidden name in the same directory for a new file or directory, which becomes ``path`` at the end.

    A symbolic link to nowhere stays, and its target is made. Raises RecordingError if ``path`` is there
    already, before or after, and for whatever goes wrong with the disk. After any exception nothing is left.
    ``or_standard_output``: see :func:`.output_file`.
    """
    given = path
    if path.is_dir():
        reason = "a directory of this name is there already; choose another name, or name a file in it"
        raise RecordingError(path, "write", reason)
    path = output_file(path, or_standard_output=or_standard_output)
    hidden = path.with_name(f".new-{os.getpid()}-{path.name}")  # the suffix tells its format
    try:
        _refuse(path)
        _present.add(hidden)
        try:
            yield hidden
            _publish(hidden, path)
        finally:
            _remove(hidden)
            _present.discard(hidden)
    except RecordingError as error:
        if error.path != str(hidden):
            raise
        raise RecordingError(given, error.action, error.reason) from error
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise RecordingError(given, "write", explain_output(error, path)) from error


def remove_incomplete() -> None:
    """Remove whatever is being written, as the process is about to be ended by a signal."""
    for hidden in tuple(_present):
        _remove(hidden)


def _refuse(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))


def _publish(hidden: Path, path: Path) -> None:
    """A file that somebody made meanwhile stays; a link cannot replace one."""
    if hidden.is_dir():
        hidden.rename(path)
        return
    try:
        os.link(hidden, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _refuse(path)
        hidden.rename(path)


def _remove(hidden: Path) -> None:
    with suppress(OSError):
        if hidden.is_dir():
            shutil.rmtree(hidden)
        else:
            hidden.unlink()
