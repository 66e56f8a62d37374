"""A folder that goes with the process that made it, however that ends."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Its standard input ends with the process that made the folder, SIGKILL included. Until then no signal
# ends it.
_KEEPER = 'trap "" HUP INT TERM; cat > /dev/null; rm -rf -- "$1"'


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A new folder in the temporary directory; a process of its own removes it.

    Leave it only once everything that writes there has ended.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    keeper = subprocess.Popen(  # noqa: S603 - our own words, and a path as an argument
        ["/bin/sh", "-c", _KEEPER, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        keeper.communicate()
