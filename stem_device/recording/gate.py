"""The gate: every file that somebody else may have made goes through it before anything in it is believed.

An HDF5 file can say that its data are somewhere else (links, virtual data sets, external storage), and
that there is far more of it than the file has bytes for. Whoever opens it would then read other files, wait
for a pipe, or fill the memory. Recordings have none of that, so whatever has it is refused, not repaired.

Structure is looked at where the format has it: the root, the entry, and the groups of the entry. No reader
looks further. Data sets are looked at when they are opened, before their shape is asked for: HDF5 would look
for the sources of a virtual one then.
"""

from __future__ import annotations

import math
import resource
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stem_device.errors import RefusedFileError
from stem_device.model.limits import DEFAULT_MAX_READ_BYTES, MAX_READ_BYTES
from stem_device.recording.h5_typing import Hdf5Dataset, Hdf5File, import_h5py
from stem_device.recording.layout import ENTRY
from stem_device.text import visible

BEST_RATIO = 1032
"""Deflate makes at most so many bytes of one: 258 bytes of two bits."""
USUAL_RATIO = 8
"""A column that is less than this times the whole file is no bomb, however long it is.

Quiet recordings, the best compressed ones, have columns of three times the file: there are a hundred of them.
"""
SLACK_BYTES = 1 << 20
"""Whatever is shorter than this harms nobody. A chunk of a recording has 8 kB, and need not be full."""
MAX_CHUNK_BYTES = 1 << 26
MAX_SMALL_BYTES = 1 << 24
"""Of one text or list of the context: a thousand targets and options are a hundredth of this."""
MAX_ATTRIBUTE_VALUES = 64
MAX_LINKS = 10_000
"""In one group: the largest one of a recording has a hundred."""

_KINDS = (
    (stat.S_ISDIR, "is a directory"),
    (stat.S_ISFIFO, "it is a pipe (FIFO), no regular file"),
    (stat.S_ISSOCK, "it is a socket, no regular file"),
    (stat.S_ISCHR, "it is a device, no regular file"),
    (stat.S_ISBLK, "it is a device, no regular file"),
)
_NOT_FOLLOWED = "recordings have all in one file, and nothing else is opened: do not trust this one"
_UNREADABLE = (KeyError, OSError, RuntimeError, TypeError, ValueError)
"""What h5py raises for damaged files."""
_FEW_CHUNKS = 64
_CHUNK_MARGIN = 1024


def refuse_odd_file(path: Path) -> None:
    """Refuse what is no regular file, without opening it: to open a pipe may take for ever.

    Raises RefusedFileError, and OSError if there is nothing.
    """
    mode = path.stat().st_mode
    for is_kind, told in _KINDS:
        if is_kind(mode):
            raise RefusedFileError(path, told, "name a file")


def open_hdf5(path: Path) -> Hdf5File:
    """The file opened for reading, without locking. Raises RefusedFileError, and what h5py raises."""
    refuse_odd_file(path)
    file = import_h5py("reading recordings").File(path, "r", locking=False)
    try:
        refuse_links(file, path)
    except BaseException:
        file.close()
        raise
    return file


def refuse_links(file: Hdf5File, path: Path) -> None:
    """Raise RefusedFileError if the names that readers use do not all belong to objects of this file.

    What cannot be read is left to those who read it.
    """
    for _ in _walk(file, path):
        pass


def refuse_all_outside(file: Hdf5File, path: Path) -> None:
    """As ``refuse_links``, and the same for the storage of all data sets at once: for those who check."""
    library = import_h5py()
    for where, group, names in _walk(file, path):
        for name in names:
            with suppress(*_UNREADABLE):
                refuse_storage(library.h5d.open(group, name), path, where + _decoded(name))


def refuse_storage(dataset: Any, path: Path, where: str) -> None:
    """Raise RefusedFileError for a data set (of h5py's lower interface) that is stored somewhere else,
    or in such a way that a few bytes of it fill the memory.
    """
    library = import_h5py()
    try:
        properties = dataset.get_create_plist()
        layout, outside = properties.get_layout(), properties.get_external_count()
        filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
        chunk = properties.get_chunk() if layout == library.h5d.CHUNKED else ()
    except (OSError, RuntimeError, ValueError) as error:
        raise OSError(f"how it is stored cannot be read: {error}") from error
    if layout == library.h5d.VIRTUAL:
        raise RefusedFileError(
            path, f"{_shown(where)} is virtual: its data are in other files", _NOT_FOLLOWED
        )
    if outside:
        raise RefusedFileError(path, f"{_shown(where)} has its data in another file", _NOT_FOLLOWED)
    if len(filters) != len(set(filters)):
        what = f"{_shown(where)} is compressed several times"
        raise RefusedFileError(path, what, "a few bytes of it could fill the memory")
    if chunk and math.prod(chunk) * dataset.get_type().get_size() > MAX_CHUNK_BYTES:
        what = f"{_shown(where)} is stored in chunks of more than {MAX_CHUNK_BYTES:,} bytes"
        raise RefusedFileError(path, what, "a few bytes of it could fill the memory")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a file of ``file_bytes`` may make its reader take of memory: about ``max_bytes``.

    Where it is more, it may be a multiple of the file's own bytes: nobody is surprised by that.
    """

    path: Path
    file_bytes: int
    max_bytes: int

    def check(self, what: str, rows: int, row_bytes: int, memory_bytes: int) -> None:
        """Refuse ``rows`` of ``row_bytes``, of which each takes about ``memory_bytes`` where they are used.

        Raises RefusedFileError. ``what`` begins the sentence: ``entry/polls/poll``.
        """
        declared = rows * row_bytes
        if declared <= SLACK_BYTES:
            return
        if declared > self.file_bytes * BEST_RATIO:
            said = (
                f"{what} is said to have {declared:,} bytes, which a file of {self.file_bytes:,} cannot have"
            )
            raise RefusedFileError(self.path, said, DECLARED_ADVICE)
        if rows * memory_bytes > self.max_bytes and declared > self.file_bytes * USUAL_RATIO:
            said = (
                f"{what} is said to have {declared:,} bytes in a file of {self.file_bytes:,}, and reading it"
                f" could take more than {self.max_bytes:,} bytes of memory"
            )
            raise RefusedFileError(self.path, said, _LIMIT_ADVICE)


DECLARED_ADVICE = "`stem validate` tells what is wrong, `stem recover` saves what can be read"
_LIMIT_ADVICE = f"if you trust the file, allow more: `stem --max-read-bytes N`, or {MAX_READ_BYTES}=N"


def limit_memory(most: int) -> None:
    """Let this process, one that reads damaged files, have no more than ``most`` bytes of address space."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def open_dataset(file: Hdf5File, path: Path, where: str) -> Any:
    """A data set of h5py's lower interface, after a look at how it is stored. Raises what h5py raises."""
    dataset = import_h5py().h5d.open(file.id, where.encode())
    refuse_storage(dataset, path, where)
    return dataset


def small(file: Hdf5File, path: Path, where: str) -> Hdf5Dataset:
    """A data set that is read at once: a text or a short list. Raises RefusedFileError, ValueError."""
    dataset = import_h5py().Dataset(open_dataset(file, path, where))
    texts = import_h5py().check_string_dtype(dataset.dtype)
    if dataset.dtype.kind == "O" and (texts is None or dataset.shape != ()):
        raise ValueError("it is neither a text nor a list of numbers or texts of one length")
    if math.prod(dataset.shape or ()) * dataset.dtype.itemsize > MAX_SMALL_BYTES:
        raise RefusedFileError(
            path, f"{_shown(where)} is said to have more than {MAX_SMALL_BYTES:,} bytes", DECLARED_ADVICE
        )
    return dataset


def text_of(file: Hdf5File, path: Path, name: str) -> str:
    """A text of the entry, harmless on a terminal. Raises as ``small``."""
    return visible(str(small(file, path, f"{ENTRY}/{name}").asstr()[()]))


def texts_of(file: Hdf5File, path: Path, name: str) -> list[str]:
    """A list of texts of the entry. Raises as ``small``."""
    found = small(file, path, f"{ENTRY}/{name}")[:].tolist()
    return [visible(text.decode("utf-8", "replace")) for text in found]


def attribute(holder: Any, name: str) -> Any:
    """An attribute of a file, group or data set; None if it is missing, unreadable or a long list."""
    library = import_h5py()
    try:
        found = library.h5a.open(holder.id, name.encode())
        if found.get_space().get_simple_extent_npoints() > MAX_ATTRIBUTE_VALUES:
            return None
        return holder.attrs[name]
    except _UNREADABLE:
        return None


def refuse_swollen_chunks(dataset: Any, ranges: Sequence[tuple[int, int]]) -> None:
    """Raise ValueError if a chunk of these rows has more bytes than it can need: HDF5 inflates all of them.

    A chunk of 8 kB that is stored in 10 MB becomes 10 GB in memory, of which 8 kB are used.
    """
    stored = dataset.get_storage_size()
    if stored * BEST_RATIO <= DEFAULT_MAX_READ_BYTES // 4 or dataset.rank != 1:
        return
    properties = dataset.get_create_plist()
    if properties.get_layout() != import_h5py().h5d.CHUNKED:
        return
    rows = properties.get_chunk()[0]
    most = rows * dataset.get_type().get_size() * 101 // 100 + _CHUNK_MARGIN
    firsts = {first for begin, end in ranges for first in range(begin // rows, -(-end // rows))}
    if len(firsts) <= _FEW_CHUNKS:
        sizes = [dataset.get_chunk_info_by_coord((first * rows,)).size or 0 for first in firsts]
    else:
        sizes = []
        dataset.chunk_iter(lambda chunk: sizes.append(chunk.size))
    if max(sizes, default=0) > most:
        raise ValueError(f"a chunk of at most {most} bytes has {max(sizes)}")


def _walk(file: Hdf5File, path: Path) -> Iterator[tuple[str, Any, list[bytes]]]:
    """Path, group and names of the root, the entry and the groups of the entry, all of them looked at."""
    library = import_h5py()
    yield "/", file.id, _own_names(library, file.id, "/", path)
    entry = _group(library, file.id, ENTRY.encode())
    if entry is None:
        return
    where = f"/{ENTRY}/"
    names = _own_names(library, entry, where, path)
    yield where, entry, names
    for name in names:
        group = _group(library, entry, name)
        if group is not None:
            inner = f"{where}{_decoded(name)}/"
            yield inner, group, _own_names(library, group, inner, path)


def _group(library: Any, parent: Any, name: bytes) -> Any:
    with suppress(*_UNREADABLE):
        return library.h5g.open(parent, name)
    return None


def _own_names(library: Any, group: Any, where: str, path: Path) -> list[bytes]:
    """The names in a group. Raises RefusedFileError if one of them is a link, or there is no end of them."""
    names: list[bytes] = []
    links: list[bytes] = []

    def take(name: bytes, info: Any) -> bool | None:
        (names if info.type == library.h5l.TYPE_HARD else links).append(name)
        return True if links or len(names) > MAX_LINKS else None

    with suppress(*_UNREADABLE):
        group.links.iterate(take, info=True)
    if links:
        what = f"{_shown(where + _decoded(links[0]))} is a link to another name or file"
        raise RefusedFileError(path, what, _NOT_FOLLOWED)
    if len(names) > MAX_LINKS:
        raise RefusedFileError(
            path, f"{_shown(where)} has more than {MAX_LINKS} names", "no recording has that"
        )
    return names


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _shown(where: str) -> str:
    """A path within the file; it may be anything."""
    return where.lstrip("/")[:200] if where.isprintable() else f"{where[:200]!a}"
