"""A recording as it was made: one monitor, one span of time, in one or several files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from stem_device.reading.part_file import PartFile


@dataclass(frozen=True, slots=True)
class Source:
    """One recording, known by ``id`` (its UUID), with those of its files that were given.

    ``started_utc_ns`` is when the recording began, also if its first files were not given. ``ended_utc_ns``
    is None while it grows, and if its writer died. ``missing_parts`` are numbers of files, from 1, that exist
    or did, and were not given; whether the last one is there cannot be told. ``complete``: every file was
    closed, and none is missing. ``first_poll`` is the number of the first poll in these files, -1 if there is
    none: its deltas precede the recording.
    """

    id: str
    label: str
    host: str
    started_utc_ns: int
    ended_utc_ns: int | None
    paths: tuple[Path, ...]
    missing_parts: tuple[int, ...]
    complete: bool
    first_poll: int
    targets: tuple[str, ...]
    properties: Mapping[str, str]
    versions: Mapping[str, str]


def in_order(parts: Sequence[PartFile]) -> list[PartFile]:
    """By start of the recording, then by part. Of a part that was given twice the one with more polls stays.

    Those that are left out are closed.
    """
    best: dict[tuple[int, str, int], PartFile] = {}
    for part in parts:
        key = (part.started_utc_ns, part.recording_id, part.part)
        known = best.get(key)
        if known is not None:
            (known if known.polls < part.polls else part).close()
        if known is None or known.polls < part.polls:
            best[key] = part
    return [best[key] for key in sorted(best)]


def sources_of(parts: Sequence[PartFile]) -> tuple[Source, ...]:
    """One for each recording; ``parts`` as :func:`in_order` gives them."""
    return tuple(_source(list(own)) for _, own in groupby(parts, key=lambda part: part.recording_id))


def _source(parts: list[PartFile]) -> Source:
    context = parts[0].context()
    numbers = {part.part for part in parts}
    missing = tuple(number for number in range(1, max(numbers)) if number not in numbers)
    return Source(
        id=parts[0].recording_id,
        label=context.label,
        host=context.host,
        started_utc_ns=parts[0].started_utc_ns,
        ended_utc_ns=parts[-1].ended_utc_ns,
        paths=tuple(part.path for part in parts),
        missing_parts=missing,
        complete=not missing and all(part.ended_utc_ns is not None for part in parts),
        first_poll=next((part.first_poll() for part in parts if part.polls), -1),
        targets=context.targets,
        properties=context.properties,
        versions=context.versions,
    )
