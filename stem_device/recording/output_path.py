"""Where the output of a command goes: a new file, the file behind a link, standard output, or nowhere.

All commands that write a file ask here first. A device or a pipe must not be replaced by a file (as root
``-o /dev/stdout`` would take that name from every program), and nothing else than the file is made.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stem_device.errors import RecordingError, shown_path
from stem_device.recording.disk_errors import explain_output

STANDARD_OUTPUT = Path("-")
_A_FOLDER = "it is a directory; name a file in it"


def refuse_standard_output(path: Path, why: str) -> None:
    """Raise RecordingError if ``path`` is ``-``; ``why`` says why the output cannot go there."""
    if path == STANDARD_OUTPUT:
        raise RecordingError(path, "write to", f"{why}; name a file")


def output_file(path: Path, *, or_standard_output: bool = False) -> Path:
    """The file that is written for ``path``: the target of a symbolic link, or ``path`` itself.

    Raises RecordingError for what is no regular file, and where no file can be made. ``or_standard_output``:
    the caller takes ``-`` too, which is what somebody who names a device may want.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise RecordingError(path, "write", explain_output(error, path)) from error
    if stat.S_ISDIR(mode):
        raise RecordingError(path, "write", _A_FOLDER)
    if not stat.S_ISREG(mode):
        other = ", or - for standard output" if or_standard_output else ""
        raise RecordingError(path, "write", f"it is no regular file; name a file{other}")
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    _check_folder(path, target.parent)
    return target


def output_folder(path: Path) -> Path:
    """``path`` if it is a directory or one can be made there. Raises RecordingError."""
    if path.is_dir():
        _check_folder(path, path)
    elif os.path.lexists(path):
        raise RecordingError(path, "write to", "it is no directory; name one for the files")
    else:
        _check_folder(path, path.parent)
    return path


def _check_folder(path: Path, folder: Path) -> None:
    if not folder.is_dir():
        missing = "is no directory" if os.path.lexists(folder) else "does not exist; create it"
        where = shown_path(folder.absolute())
        raise RecordingError(path, "write", f"the directory {where} {missing}, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        reason = f"no permission to write in {shown_path(folder.absolute())}; choose another directory"
        raise RecordingError(path, "write", reason)
