"""Following a recording while it grows, from file to file."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stem_device.model.snapshot import Snapshot
from stem_device.reading.archive import Archive
from stem_device.reading.part_file import PartFile, open_part, part_number
from stem_device.reading.selection import Selected, Selection
from stem_device.reading.snapshots import snapshots_of

_log = logging.getLogger(__name__)


@dataclass
class Looks:
    """When to look again, and when no more. ``timeout_seconds`` counts from the last poll, None is never."""

    stop: threading.Event
    timeout_seconds: float | None
    interval_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self.came()

    def came(self) -> None:
        """Something came just now."""
        self._last = self.monotonic()

    def waited(self) -> bool:
        """Wait for the next look; False if there is none."""
        if self.timeout_seconds is not None and self.monotonic() - self._last >= self.timeout_seconds:
            return False
        return not self.stop.wait(self.interval_seconds)


def follow(paths: Sequence[Path], selections: tuple[Selection, ...], looks: Looks) -> Iterator[Snapshot]:
    """See ``Recording.follow``; ``paths`` are the files of one recording in order."""
    for earlier in paths[:-1]:
        yield from _file(earlier, selections, looks)
    path: Path | None = paths[-1]
    while path is not None:
        last = yield from _file(path, selections, looks)
        path = _following(last) if last.ended_utc_ns is not None else None


def _file(path: Path, selections: tuple[Selection, ...], looks: Looks) -> Generator[Snapshot, None, PartFile]:
    """Polls of one file until it is closed, or until there are no more looks. Returns its last state."""
    done = 0
    while True:
        part = open_part(path)
        try:
            yield from _new(part, done, selections, looks)
        finally:
            part.close()
        done = part.polls
        if part.ended_utc_ns is not None or looks.stop.is_set() or not looks.waited():
            return part


def _new(part: PartFile, done: int, selections: tuple[Selection, ...], looks: Looks) -> Iterator[Snapshot]:
    """Selected polls beyond the first ``done`` ones."""
    if part.polls == done:
        return
    selected = Selected(Archive([part]), selections)
    new = selected.polls[0].copy()
    new[:done] = False
    for snapshot in snapshots_of(selected, 0, new):
        if looks.stop.is_set():
            return
        yield snapshot
    looks.came()


def _following(last: PartFile) -> Path | None:
    """The file with the lowest number above that of ``last`` in its directory; None if the recording ended.

    The next file is there before one is closed.
    """
    found = {}
    for path in last.path.parent.glob(f"*{last.path.suffix}"):
        recording_id, number = part_number(path)
        if recording_id == last.recording_id and number > last.part:
            found[number] = path
    if not found:
        return None
    if min(found) > last.part + 1:
        _log.warning("parts %d to %d of %s are not there", last.part + 1, min(found) - 1, last.recording_id)
    return found[min(found)]
