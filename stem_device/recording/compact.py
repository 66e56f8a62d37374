"""A short recording that was closed, written anew in a tenth of the bytes.

A file that grows and survives the death of its writer takes 2 MB from its first poll on: a page for the index
of every column, and space for two incomplete chunks of each. Once it is closed, nothing of that is needed.
So a short one is then written once more, without that space and with the small indexes of HDF5 1.10, under a
hidden name, and takes the place of the first. Until then the first one is there, complete and closed.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording import format as spec
from stem_device.recording.h5_typing import Hdf5Dataset, Hdf5File, Hdf5Group, import_h5py
from stem_device.recording.kinds import Column, Table, Version
from stem_device.recording.layout import ENTRY, Part, build, growing
from stem_device.recording.recorder import RecordingContext

MAX_ROW_BYTES = 600_000
"""Of all rows of a file that is written anew, uncompressed: two thirds of their JSON lines. A longer one
is at most 2.5 times those as it is, and ``stem recover`` finds more in it where its end was cut off.
"""
_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What h5py raises."""

_log = logging.getLogger(__name__)


def compact(path: Path, context: RecordingContext, part: Part, version: Version = spec.NEWEST) -> None:
    """Write a closed recording anew, if its file has no other name. If that fails, it stays as it is."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.compact")
    try:
        before = path.lstat()
        if before.st_nlink != 1:
            return
        _write(path, hidden, context, part, version)
        hidden.chmod(before.st_mode & 0o777)
        now = path.lstat()
        if (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns):
            hidden.replace(path)
    except _ERRORS as error:
        _log.info("%s stays larger than it need be: %s", path, error)
    finally:
        with suppress(OSError):
            hidden.unlink()


def _write(path: Path, hidden: Path, context: RecordingContext, part: Part, version: Version) -> None:
    library = import_h5py()
    with (
        library.File(path, "r", locking=False) as old,
        library.File(hidden, "w-", libver=("v110", "v110"), locking=False) as new,
    ):
        build(new, context, part, version, create=partial(_filled, old))
        end_time = f"{ENTRY}/context/end_time"
        _fill(new[end_time], old[end_time][:])


def _filled(old: Hdf5File, group: Hdf5Group, table: Table, column: Column) -> Hdf5Dataset:
    """The column with its rows."""
    dataset = growing(group, table, column)
    _fill(dataset, old[f"{ENTRY}/{table.name}/{column.name}"][:])
    return dataset


def _fill(dataset: Hdf5Dataset, rows: npt.NDArray[Any]) -> None:
    """The type in memory is that of the file: nothing is converted, texts least of all."""
    if len(rows):
        dataset.resize(rows.shape)
        everything = import_h5py().h5s.ALL
        values = np.ascontiguousarray(rows, dataset.dtype)
        dataset.id.write(everything, everything, values, mtype=dataset.id.get_type())
