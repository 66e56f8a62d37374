"""How to look into a file: it stays open, or, while it grows, it is opened for each look."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from stem_device.errors import UnreadableRecordingError
from stem_device.recording.gate import open_hdf5
from stem_device.recording.h5_typing import Hdf5File, import_h5py

_T = TypeVar("_T")
_TRIES = 10
_WAIT_SECONDS = 0.05


class FileAccess:
    """Lends an HDF5 file for one look after the other. Not thread-safe.

    HDF5 remembers where the chunks of an open file are: one that may grow is opened for each look. HDF5 asks
    for the length of a file before it reads what the file says of itself; if the recorder writes in between,
    the file seems to be truncated, and the next attempt succeeds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        import_h5py("reading recordings")
        self._kept: Hdf5File = None
        self._closed = False

    def keep(self, file: Hdf5File) -> None:
        """Called from within a look: nobody writes to this file any more, it can stay open."""
        self._kept = file

    def read(self, look: Callable[[Hdf5File], _T]) -> _T:
        """What ``look`` makes of the file. Raises what h5py or ``look`` does; UnreadableRecordingError after
        ``close``.
        """
        if self._closed:
            raise UnreadableRecordingError(self._path, "it was closed", "read it before it is closed")
        if self._kept is not None:
            return look(self._kept)
        for _ in range(_TRIES - 1):
            with suppress(OSError, KeyError, RuntimeError):
                return self._look(look)
            time.sleep(_WAIT_SECONDS)
        return self._look(look)

    def steadily(self, work: Callable[[], _T]) -> _T:
        """Call ``work``, whose looks then share one state of the file. Again, if that could not be read."""
        if self._kept is not None or self._closed:
            return work()
        for _ in range(_TRIES - 1):
            with suppress(OSError, UnreadableRecordingError):
                return self._steady(work)
            time.sleep(_WAIT_SECONDS)
        return self._steady(work)

    def close(self) -> None:
        """Let go of the file. Closing twice is no error."""
        self._closed = True
        if self._kept is not None:
            self._kept.close()

    def _steady(self, work: Callable[[], _T]) -> _T:
        self._kept = open_hdf5(self._path)
        try:
            return work()
        finally:
            self._kept.close()
            self._kept = None

    def _look(self, look: Callable[[Hdf5File], _T]) -> _T:
        file = open_hdf5(self._path)
        try:
            return look(file)
        finally:
            if file is not self._kept:
                file.close()
