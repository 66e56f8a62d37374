"""Runs that have begun and not ended, so that a recording that starts meanwhile knows of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from stem_device.model.mark import Mark, MarkKind

MAX_OPEN_RUNS = 1000

_log = logging.getLogger(__name__)


class OpenRuns:
    """Keeps the latest BEGIN of each run and iteration until its END; the ``limit`` that began last.

    An END without an iteration ends all iterations of its run. Not thread-safe.
    """

    def __init__(self, limit: int = MAX_OPEN_RUNS) -> None:
        self._limit = limit
        self._begun: dict[tuple[str, int | None], Mark] = {}

    def __iter__(self) -> Iterator[Mark]:
        """In the order of reception."""
        return iter(tuple(self._begun.values()))

    def take(self, mark: Mark) -> None:
        if mark.kind is MarkKind.BEGIN:
            self._begin(mark)
        elif mark.kind is MarkKind.END and mark.iteration is not None:
            self._begun.pop((mark.run, mark.iteration), None)
        elif mark.kind is MarkKind.END:
            for key in [key for key in self._begun if key[0] == mark.run]:
                del self._begun[key]

    def _begin(self, mark: Mark) -> None:
        key = mark.run, mark.iteration
        self._begun.pop(key, None)  # so that it is the last one
        self._begun[key] = mark
        if len(self._begun) > self._limit:
            oldest = next(iter(self._begun))
            del self._begun[oldest]
            _log.warning(
                "%d runs are open; recordings to come will not know that %s began", self._limit, oldest
            )
