"""The criteria of an attribute's events, as its configuration has them, against how its value moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stem_device.doctor.events import EventType

_UNSET = {"Not specified", "", "0", "NaN"}


@dataclass(frozen=True)
class Criteria:
    """Each (down, up) as positive numbers; None where not set. Relative ones are in percent."""

    absolute: tuple[float, float] | None = None
    relative: tuple[float, float] | None = None
    period_seconds: float | None = None

    @property
    def words(self) -> str:
        """For a sentence."""
        parts = []
        if self.absolute is not None:
            parts.append(f"abs_change {self.absolute[1]:g}")
        if self.relative is not None:
            parts.append(f"rel_change {self.relative[1]:g} %")
        if self.period_seconds is not None:
            parts.append(f"period {self.period_seconds:g} s")
        return ", ".join(parts)

    def share(self, before: Any, after: Any) -> float:
        """How far a value moved, 1 being the nearest criterion; NaN where no criterion can be compared.

        Arrays move as far as their element that moves most; where the shape changes an event is due.
        """
        one, two = np.atleast_1d(np.asarray(before, float)), np.atleast_1d(np.asarray(after, float))
        if one.shape != two.shape:
            return 1.0
        moved = two - one
        shares = []
        if self.absolute is not None:
            shares.append(_share(moved, self.absolute))
        if self.relative is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                percent = np.where(one != 0, moved / np.abs(one) * 100, np.sign(moved) * np.inf)
            percent = np.where(moved == 0, 0.0, percent)
            shares.append(_share(percent, self.relative))
        return max(shares, default=float("nan"))


def _share(moved: np.ndarray[Any, np.dtype[np.float64]], limits: tuple[float, float]) -> float:
    if not moved.size:
        return 0.0
    down, up = limits
    return float(np.nanmax(np.where(moved < 0, -moved / down, moved / up), initial=0.0))


def criteria_of(config: Any, event: EventType) -> Criteria | None:
    """The criteria of one event type; None where none is set. Alarm events have those of the alarm limits."""
    events = config.events
    if event in {EventType.CHANGE, EventType.ARCHIVE}:
        of = events.ch_event if event is EventType.CHANGE else events.arch_event
        prefix = "" if event is EventType.CHANGE else "archive_"
        absolute = _limits(getattr(of, f"{prefix}abs_change"))
        relative = _limits(getattr(of, f"{prefix}rel_change"))
        period = _milliseconds(of.archive_period) if event is EventType.ARCHIVE else None
    elif event is EventType.PERIODIC:
        absolute, relative, period = None, None, _milliseconds(events.per_event.period)
    else:
        return None
    if absolute is None and relative is None and period is None:
        return None
    return Criteria(absolute, relative, period)


def _limits(text: str) -> tuple[float, float] | None:
    """``0.1`` or ``-0.1,0.2``: down and up. cppTango takes 0 as not set."""
    if text.strip() in _UNSET:
        return None
    try:
        numbers = [abs(float(part)) for part in text.split(",")]
    except ValueError:
        return None
    down, up = (numbers[0], numbers[-1])
    return (down or float("inf"), up or float("inf"))


def _milliseconds(text: str) -> float | None:
    try:
        return None if text.strip() in _UNSET else float(text) / 1000
    except ValueError:
        return None


def same(values: Sequence[Any]) -> bool:
    """Whether a value stood still over several readings."""
    return all(_equal(values[0], value) for value in values[1:])


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        first, second = np.asarray(one), np.asarray(two)
        return bool(
            first.shape == second.shape and np.array_equal(first, second, equal_nan=first.dtype.kind in "fc")
        )
    return bool(one == two or (one != one and two != two))  # noqa: PLR0124 - NaN
