"""The callback of the doctor's own subscription: counts what it is called with."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

MAX_LATENCIES = 10_000


class Callbacks:
    """What arrived, by reason. Called by Tango's thread; asked by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: list[Any] = []
        self._errors: Counter[str] = Counter()
        self._updates = 0
        self._latencies: list[float] = []

    def __call__(self, event: Any) -> None:
        """As Tango calls it: the first value, which is a reading and no event, then events and errors."""
        now = time.time()
        with self._lock:
            if _is_reading(event) or (not self._first and not hasattr(event, "event_reason")):
                self._first.append(event)
            elif event.err:
                self._errors[str(event.errors[0].reason) if event.errors else "unknown"] += 1
            else:
                self._updates += 1
                self._note_latency(event, now)

    def _note_latency(self, event: Any, now: float) -> None:
        value = getattr(event, "attr_value", None)
        if value is not None and len(self._latencies) < MAX_LATENCIES:
            self._latencies.append(now - value.time.totime())

    @property
    def updates(self) -> int:
        """Events with a value, without the readings."""
        with self._lock:
            return self._updates

    @property
    def errors(self) -> dict[str, int]:
        """Events that brought an error, by its reason."""
        with self._lock:
            return dict(self._errors)

    @property
    def median_latency_seconds(self) -> float | None:
        """From the time stamp of the value to the callback; None without events."""
        with self._lock:
            ordered = sorted(self._latencies)
        return ordered[len(ordered) // 2] if ordered else None

    def first_error(self) -> str:
        """The error of the first value; empty if there is a value, or nothing yet."""
        with self._lock:
            event = self._first[0] if self._first else None
        return str(event.errors[0].desc) if event is not None and event.err and event.errors else ""


def _is_reading(event: Any) -> bool:
    """The reading at a subscription, or at one that is renewed: no event that was pushed."""
    return str(getattr(event, "event_reason", "")).rpartition(".")[2] in {"SubSuccess", "SubFail"}
