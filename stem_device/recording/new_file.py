"""A new file that appears under its name only when it is complete, and never in place of another."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}


class NewFile:
    """Written under a hidden name in the same directory, then published. Raises OSError."""

    def __init__(self, path: Path) -> None:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self._path = path
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}.new")
        self.descriptor = os.open(self._hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def publish(self) -> None:
        """Give the file its name; FileExistsError if somebody else took it meanwhile."""
        try:
            os.link(self._hidden, self._path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._claim()
        else:
            self._hidden.unlink()

    def discard(self) -> None:
        """Remove what was not published."""
        with suppress(OSError):
            self._hidden.unlink()

    def _claim(self) -> None:
        """Without hard links: take the name with an empty file, then replace that."""
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        self._hidden.replace(self._path)
