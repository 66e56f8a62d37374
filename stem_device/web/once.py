"""Something that is expensive to make: made by one thread at a time, and kept for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """Makes it when it is asked for, and again when it is older than ``seconds`` and than ``rest`` times as
    long as it took: so no more than a part of a processor goes into it, however many ask.
    """

    def __init__(
        self,
        make: Callable[[], Made],
        seconds: float,
        rest: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._rest = rest
        self._clock = clock
        self._making = threading.Lock()
        self._until = -1.0
        self._made: Made | None = None

    def get(self) -> Made:
        """The one that is kept, or a new one; what raises is raised, and tried again the next time."""
        with self._making:
            if self._made is None or self._clock() >= self._until:
                begin = self._clock()
                self._made = self._make()
                end = self._clock()
                self._until = end + max(self._seconds, self._rest * (end - begin))
            return self._made
