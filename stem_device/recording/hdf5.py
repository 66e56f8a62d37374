"""One HDF5 file that is complete after every poll, whatever becomes of the process."""

from __future__ import annotations

import errno
import fcntl
import os
import uuid
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from stem_device.errors import RecordingError
from stem_device.model.clock import Clock, SystemClock
from stem_device.model.mark import Mark
from stem_device.model.snapshot import Snapshot
from stem_device.recording import format as spec
from stem_device.recording.chunk_index import NODE_BYTES, PAGE_BYTES
from stem_device.recording.columns import GrowingColumn
from stem_device.recording.compact import MAX_ROW_BYTES, compact
from stem_device.recording.disk_errors import explain
from stem_device.recording.h5_typing import Hdf5File, import_h5py
from stem_device.recording.kinds import Table
from stem_device.recording.layout import END_TIME_BYTES, ENTRY, TAILS, Part, build, iso8601
from stem_device.recording.new_file import NewFile
from stem_device.recording.ordered_file import DescriptorDisk, Disk, OrderedFile
from stem_device.recording.recorder import RecordingContext
from stem_device.recording.rows import RowMaker, Rows


def new_recording(clock: Clock) -> Part:
    """The first part of a recording that begins now."""
    now = clock.utc_ns()
    return Part(str(uuid.uuid4()), 1, now, clock.monotonic_ns(), now)


Explain = Callable[[OSError, Path], str]

_LAST = (spec.MARKS, spec.POLLS)
"""Tables whose lengths are written last: a row that they tell of is complete."""


class Hdf5Recorder:
    """Records to a new file at ``path``; never to one that exists.

    Not thread-safe: its owner serialises the calls. ``explain`` makes sentences of errors of the disk.
    Raises MissingExtraError without h5py, RecordingError if the file cannot be made, or exists.
    """

    def __init__(
        self,
        path: Path,
        context: RecordingContext,
        *,
        part: Part | None = None,
        clock: Clock | None = None,
        open_disk: Callable[[int], Disk] = DescriptorDisk,
        explain: Explain = explain,
    ) -> None:
        library = import_h5py()
        self._clock = clock or SystemClock()
        self._context, self._part = context, part or new_recording(self._clock)
        self.path = path
        self._explain = explain
        self._closed_bytes: int | None = None
        self.polls = self.marks = 0
        self._rows = RowMaker(self._part.started_monotonic_ns)
        try:
            new = NewFile(path)
        except OSError as error:
            raise RecordingError(path, "create", explain(error, path)) from error
        with suppress(OSError):  # a file system without locks
            # Shared: other programs may read. Whoever cleans up asks for an exclusive one first.
            fcntl.flock(new.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._identity = _identity(os.fstat(new.descriptor))
        self._disk = open_disk(new.descriptor)
        self._file = OrderedFile(self._disk)
        self._hdf5 = _create(library, self._file)
        # HDF5 must not find the file open when the interpreter is gone: it would call this file object.
        self._release = weakref.finalize(self, _release, self._hdf5, self._file, self._disk)
        try:
            build(self._hdf5, context, self._part)
            self._hdf5.flush()
            self._file.commit_structure(self._headers_of(_LAST))
            new.publish()
        except OSError as error:
            self._release()
            new.discard()
            raise RecordingError(path, "create", explain(error, path)) from error
        self._modified_ns = path.stat().st_mtime_ns
        self._end_time, self._tables = self._columns()

    @property
    def bytes_written(self) -> int:
        """Size of the file."""
        return self._file.size if self._closed_bytes is None else self._closed_bytes

    @property
    def _row_bytes(self) -> int:
        return sum(column.row_bytes for columns in self._tables.values() for column in columns.values())

    def write(self, snapshot: Snapshot) -> None:
        """Append one Snapshot; on return it is in the file even if the process dies.

        Raises RecordingError; the file then keeps what was written before, and nothing can be added.
        """
        with self._writing():
            self._append(self._rows.rows_of(snapshot))
        self.polls += 1

    def write_mark(self, mark: Mark) -> None:
        """Append one mark, as ``write`` does."""
        with self._writing():
            self._append(self._rows.rows_of_mark(mark))
        self.marks += 1

    def close(self) -> None:
        """Compress the last chunks, write the end time and close, in any case; a short file is then written
        anew, see :mod:`.compact`. Raises RecordingError.
        """
        if not self._release.alive:
            return
        try:
            self._check_in_place()
            for columns in self._tables.values():
                for column in columns.values():
                    column.compress_tail()
            stamp = iso8601(self._clock.utc_ns()).encode()
            self._end_time.append(np.array([stamp], dtype=f"S{END_TIME_BYTES}"))
            self._commit()
            self._hdf5.close()
            self._file.commit()
        except OSError as error:
            raise RecordingError(self.path, "close", self._explain(error, self.path)) from error
        finally:
            self._release()
        if self._row_bytes <= MAX_ROW_BYTES:
            compact(self.path, self._context, self._part)
        with suppress(OSError):
            self._closed_bytes = self.path.stat().st_size

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """After a failure nothing can be written any more."""
        self._check_open()
        try:
            self._check_in_place()
            yield
        except OSError as error:
            self._release()
            raise RecordingError(self.path, "write", self._explain(error, self.path)) from error
        except Exception as error:
            self._release()
            raise RecordingError(self.path, "write", f"{type(error).__name__}: {error}") from error

    def _append(self, tables: dict[str, Rows]) -> None:
        for table, rows in tables.items():
            self._append_rows(table, rows)
        self._commit()

    def _append_rows(self, table: str, rows: Rows) -> None:
        for name, column in self._tables[table].items():
            column.append(rows[name])

    def _columns(self) -> tuple[GrowingColumn, dict[str, dict[str, GrowingColumn]]]:
        """The column of the end time, and those of all tables; the tails of the latter lie side by side."""
        entry = self._hdf5[ENTRY]
        address = entry[TAILS].id.get_offset()
        tables: dict[str, dict[str, GrowingColumn]] = {}
        for table in spec.TABLES:
            tables[table.name] = {}
            group = entry[table.name]
            for column in table.columns:
                growing = GrowingColumn(group[column.name], self._file, address)
                tables[table.name][column.name] = growing
                address += growing.tails_bytes
        return GrowingColumn(entry["context/end_time"], self._file, 0), tables

    def _headers_of(self, tables: tuple[Table, ...]) -> list[int]:
        """Where the file says how long the columns of these tables are."""
        object_info = import_h5py().h5o.get_info
        groups = [self._hdf5[ENTRY][table.name] for table in tables]
        return [object_info(group[column].id).addr for group in groups for column in group]

    def _commit(self) -> None:
        self._hdf5.flush()
        self._file.commit()
        with suppress(FileNotFoundError):  # the next write tells
            self._modified_ns = self.path.stat().st_mtime_ns

    def _check_open(self) -> None:
        if not self._release.alive:
            raise RecordingError(self.path, "write", "the recording has ended")

    def _check_in_place(self) -> None:
        """A file that was removed, cut short or overwritten would swallow everything without an error."""
        try:
            found = self.path.stat()
            whole = _identity(found) == self._identity and self._file.starts_as_written()
            if found.st_mtime_ns != self._modified_ns:  # some file systems set it later than they write
                whole = whole and self._file.is_as_written()
                self._modified_ns = found.st_mtime_ns
        except FileNotFoundError:
            whole = False
        if not whole:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self.path))


def _create(library: Any, file: OrderedFile) -> Hdf5File:
    """An empty HDF5 file in the layout that OrderedFile relies on."""
    return library.File(
        "recording",
        "w",
        driver="fileobj",
        fileobj=file,
        libver=("earliest", "v110"),
        alignment_threshold=NODE_BYTES,
        alignment_interval=PAGE_BYTES,
    )


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _release(hdf5: Hdf5File, file: OrderedFile, disk: Disk) -> None:
    """Let go of everything without writing."""
    file.abandon()
    hdf5.close()
    disk.close()
