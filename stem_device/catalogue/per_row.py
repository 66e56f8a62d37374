"""What an exporter makes of the labels of a row: made once, and kept while the row is there."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class PerRow(Generic[Key, Made]):
    """``make`` makes something of a key; ``begin_poll`` forgets what the poll before did not use.

    So it never holds more than two polls need. What is made is given out again and must not be changed. Not
    thread-safe.
    """

    def __init__(self, make: Callable[[Key], Made]) -> None:
        self._make = make
        self._known: dict[Key, Made] = {}
        self._used: dict[Key, Made] = {}

    def begin_poll(self) -> None:
        """Go on to the next poll."""
        self._known, self._used = self._used, {}

    def __len__(self) -> int:
        return len(self._known.keys() | self._used.keys())

    def __getitem__(self, key: Key) -> Made:
        made = self._used.get(key)
        if made is None:
            made = self._known.get(key)
            if made is None:
                made = self._make(key)
            self._used[key] = made
        return made
