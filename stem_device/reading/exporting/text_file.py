"""A new text file, compressed if its name says so."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stem_device.errors import MissingExtraError
from stem_device.recording.output_path import STANDARD_OUTPUT

_GZIP_LEVEL = 6


@contextmanager
def new_text_file(path: Path) -> Iterator[Any]:
    """Standard output for ``-``. Raises OSError, and MissingExtraError for ``.zst`` without its package."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.suffix == ".zst":
        try:
            import zstandard  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingExtraError("zstd", f"writing {path.name}") from error
        with path.open("xb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as writer:
            yield writer
    elif path.suffix == ".gz":
        with path.open("xb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as writer:
            yield writer
    else:
        with path.open("xb") as writer:
            yield writer
