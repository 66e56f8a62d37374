"""Checks of what a file says about itself: format, entry, context, default plot. One generator a check."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from stem_device.reading.validation.columns import H5_ERRORS
from stem_device.reading.validation.finding import Finding, note
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.recording import format as spec
from stem_device.recording.kinds import MAX_PARTS
from stem_device.recording.layout import ENTRY

_CONTEXT = f"/{ENTRY}/context"
_TEXTS = ("title", "program_name", "context/label", "context/host")
_LISTS = ("targets", "property_names", "property_values", "version_names", "version_values")
_GROUPS = {"": "NXentry", "context": "NXcollection", "timeline": "NXdata", "workspace": "NXcollection"}


def format_name(file: StoredFile) -> Iterator[Finding]:
    """``stem_format`` says that this is a recording."""
    found = file.attribute("/", "stem_format")
    if found != spec.FORMAT_NAME:
        yield Finding(
            "format_name", "/", f"the attribute stem_format is {_shown(found)}, not {spec.FORMAT_NAME!r}"
        )


def format_version(file: StoredFile) -> Iterator[Finding]:
    """The version is 1.x; one that is newer than this program is a note."""
    found = file.attribute("/", "stem_format_version")
    if file.version is None:
        yield Finding("format_version", "/", f"the attribute stem_format_version is {_shown(found)}, not 1.x")
    elif file.version > spec.NEWEST:
        yield note(
            "format_version",
            "/",
            f"version {found} is newer than {spec.FORMAT_VERSION}; what it added is not checked",
        )


def root(file: StoredFile) -> Iterator[Finding]:
    """The other attributes of ``/``."""
    for name, wanted in (("NX_class", "NXroot"), ("default", ENTRY), ("creator", "stem-device")):
        found = file.attribute("/", name)
        if found != wanted:
            yield Finding("root", "/", f"the attribute {name} is {_shown(found)}, not {wanted!r}")
    found = file.attribute("/", "file_time")
    if not _is_time(found):
        yield Finding("root", "/", f"the attribute file_time is {_shown(found)}, no time in ISO 8601")


def groups(file: StoredFile) -> Iterator[Finding]:
    """Entry, context, timeline and workspace are there, each with its NeXus class."""
    for name, nx_class in _GROUPS.items():
        yield from _group("groups", file, f"/{ENTRY}/{name}".rstrip("/"), nx_class)


def entry(file: StoredFile) -> Iterator[Finding]:
    """The texts, times and identities that the entry and its context begin with."""
    if file.group(f"/{ENTRY}") is None:
        return
    for name in _TEXTS:
        if not isinstance(file.value(f"/{ENTRY}/{name}"), str):
            yield Finding("entry", f"/{ENTRY}/{name}", "is missing, or no text")
    for name in ("start_time", "context/recording_start_time"):
        found = file.value(f"/{ENTRY}/{name}")
        if not _is_time(found):
            yield Finding("entry", f"/{ENTRY}/{name}", f"is {_shown(found)}, no time in ISO 8601")
    found = file.value(f"/{ENTRY}/entry_identifier")
    if not _is_uuid(found):
        yield Finding("entry", f"/{ENTRY}/entry_identifier", f"is {_shown(found)}, no UUID")
    found = file.value(f"{_CONTEXT}/part")
    if not isinstance(found, int) or not 1 <= found <= MAX_PARTS:
        yield Finding("entry", f"{_CONTEXT}/part", f"is {_shown(found)}, not a number from 1 to {MAX_PARTS}")


def context_lists(file: StoredFile) -> Iterator[Finding]:
    """Targets, properties and versions are lists of texts; names and values are equally many."""
    if file.group(_CONTEXT) is None:
        return
    lengths: dict[str, int] = {}
    for name in _LISTS:
        dataset = file.dataset(f"{_CONTEXT}/{name}")
        if dataset is None or len(dataset.shape or ()) != 1 or dataset.dtype.kind not in "SO":
            yield Finding("context_lists", f"{_CONTEXT}/{name}", "is missing, or no list of texts")
        elif not file.is_small(f"{_CONTEXT}/{name}"):
            yield Finding(
                "context_lists", f"{_CONTEXT}/{name}", "is far too long, or its texts have no fixed length"
            )
        else:
            lengths[name] = dataset.shape[0]
    for kind in ("property", "version"):
        names, values = lengths.get(f"{kind}_names"), lengths.get(f"{kind}_values")
        if names is not None and values is not None and names != values:
            yield Finding("context_lists", f"{_CONTEXT}/{kind}_names", f"{names} names for {values} values")


def end_time(file: StoredFile) -> Iterator[Finding]:
    """``end_time`` has no element, or one; a file that was never closed is legal."""
    where = f"{_CONTEXT}/end_time"
    dataset = file.dataset(where)
    if file.group(_CONTEXT) is None:
        return
    if dataset is None or dataset.dtype.kind != "S" or dataset.shape not in {(0,), (1,)}:
        yield Finding("end_time", where, "is missing, or not a list of at most one time")
    elif dataset.shape == (0,):
        yield note("end_time", where, "the file was never closed: it is being written, or its writer died")
    else:
        try:
            found = dataset[0].decode("utf-8", "replace")
        except H5_ERRORS:
            found = None
        if not _is_time(found):
            yield Finding("end_time", where, f"is {_shown(found)}, no time in ISO 8601")


def timeline(file: StoredFile) -> Iterator[Finding]:
    """The default plot shows columns of polls, the same and no copies."""
    where = f"/{ENTRY}/timeline"
    if file.group(where) is None:
        return
    if file.attribute(f"/{ENTRY}", "default") != "timeline":
        yield Finding("timeline", f"/{ENTRY}", "the attribute default is not 'timeline'")
    signals = spec.timeline_of(file.layout)
    for name, wanted in (("signal", [signals[0]]), ("axes", ["time"])):
        found = file.attribute(where, name)
        if _texts(found) != wanted:
            yield Finding("timeline", where, f"the attribute {name} is {_shown(found)}, not {wanted[0]!r}")
    for name in ("time", *signals):
        link, column = file.dataset(f"{where}/{name}"), file.dataset(path_of(spec.POLLS, name))
        if column is not None and (link is None or link != column):
            yield Finding("timeline", f"{where}/{name}", f"is no link to {path_of(spec.POLLS, name)}")
    if file.dataset(f"{where}/time") is not None and not _is_time(file.attribute(f"{where}/time", "start")):
        yield Finding("timeline", f"{where}/time", "the attribute start is no time in ISO 8601")


def tables(file: StoredFile) -> Iterator[Finding]:
    """Every table is a group with its NeXus class."""
    if file.group(f"/{ENTRY}") is None:
        return
    for table in file.tables:
        yield from _group("tables", file, path_of(table), "NXcollection")


CHECKS = (format_name, format_version, root, groups, entry, context_lists, end_time, timeline, tables)


def _group(check: str, file: StoredFile, path: str, nx_class: str) -> Iterator[Finding]:
    if file.group(path) is None:
        yield Finding(check, path, "the group is missing")
        return
    found = file.attribute(path, "NX_class")
    if found != nx_class:
        yield Finding(check, path, f"the attribute NX_class is {_shown(found)}, not {nx_class!r}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    try:
        return [one.decode() if isinstance(one, bytes) else str(one) for one in value]
    except TypeError:
        return []


def _is_time(value: Any) -> bool:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return moment.tzinfo is not None and 1970 <= moment.year < 2262


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        return False
    return True


def _shown(value: Any) -> str:
    """Escaped and of bounded length: it may be anything."""
    return "missing" if value is None else f"{value!a:.80}"
