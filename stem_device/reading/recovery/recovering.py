"""Recovery as its user asks for it: one damaged file to one new file, however often HDF5 dies on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from stem_device.errors import RecordingError, RefusedFileError
from stem_device.reading.publish import published_when_complete
from stem_device.reading.recovery.journal import Recovery, Told
from stem_device.reading.validation import Severity, validate
from stem_device.recording.gate import refuse_odd_file
from stem_device.recording.h5_typing import import_h5py
from stem_device.recording.output_path import refuse_standard_output

MAX_ATTEMPTS = 30
"""HDF5 may die of so many columns before the rest is given up."""


def recover(
    path: Path | str, output: Path | str, progress: Callable[[float], None] | None = None
) -> Recovery:
    """Write what can be read of ``path`` to the new recording ``output``; ``path`` itself is not changed.

    ``progress`` is called with the share that is done. Raises RefusedFileError for a file that could do harm
    to those who open it, RecordingError if nothing can be recovered, or
    ``output`` is there already or cannot be written; MissingExtraError without h5py. Nothing is left
    then.
    """
    path, output = Path(path), Path(output)
    import_h5py()
    refuse_standard_output(output, "a recording is written in place")
    try:
        refuse_odd_file(path)
        with path.open("rb"):
            pass
    except OSError as error:
        raise RecordingError(path, "read", error.strerror or str(error)) from error
    with published_when_complete(output) as hidden:
        recovery = _attempts(path, hidden, progress or (lambda _: None))
        left = [one for one in validate(hidden) if one.severity is Severity.VIOLATION]
    told = tuple(f"still wrong in the new file: {one.where}: {one.message}" for one in left)
    return msgspec.structs.replace(recovery, lost=(*recovery.lost, *told))


def _attempts(path: Path, hidden: Path, progress: Callable[[float], None]) -> Recovery:
    """Each time that HDF5 dies of a column, start again without that one."""
    deadly: list[str] = []
    for _ in range(MAX_ATTEMPTS):
        hidden.unlink(missing_ok=True)
        last = _attempt(path, hidden, deadly, progress)
        if last.result is not None:
            crashed = tuple(f"{one}: lost, since HDF5 dies of it" for one in deadly)
            return msgspec.structs.replace(last.result, lost=(*last.result.lost, *crashed))
        if last.refused:
            raise RefusedFileError(path, last.refused, last.error)
        if last.error:
            raise RecordingError(path, "recover", last.error)
        if not last.doing or last.doing in deadly:
            break
        deadly.append(last.doing)
    raise RecordingError(path, "recover", "HDF5 dies of it; nothing can be read")


def _attempt(path: Path, hidden: Path, deadly: list[str], progress: Callable[[float], None]) -> Told:
    """The last thing that the child told."""
    command = [sys.executable, "-m", "stem_device.reading.recovery.child", str(path), str(hidden), *deadly]
    decoder = msgspec.json.Decoder(Told)
    told = Told()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:  # noqa: S603
        try:
            for line in child.stdout or ():
                told = decoder.decode(line) if line.endswith(b"\n") else told
                progress(told.done)
        finally:
            child.kill()
    return told
