"""Points of one series put into buckets of time: ``1m-avg-nan``."""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass

import numpy as np

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.aggregators import AGGREGATORS, NONE, Aggregator, aggregator
from stem_device.opentsdb.moments import duration_ms
from stem_device.opentsdb.series import Floats, Integers

_ALL = re.compile(r"\d{0,15}all")
_CALENDAR = re.compile(r"\d{1,15}(ms|[smhdwny])c")
_FORM = "it must be as 1m-avg, 30s-max-nan or 0all-sum"


class Fill(enum.StrEnum):
    """What a bucket without points becomes. NONE: no point, so that series are interpolated there."""

    NONE = "none"
    NAN = "nan"
    NULL = "null"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Downsampling:
    """``interval_ms`` is 0 for one bucket of all that is asked for."""

    interval_ms: int
    function: Aggregator
    fill: Fill = Fill.NONE

    @property
    def fills(self) -> bool:
        """Whether there is a point in every bucket."""
        return self.fill is not Fill.NONE and self.interval_ms > 0

    def buckets(self, begin_ms: int, end_ms: int) -> int:
        """How many begin in a span, both ends included."""
        return end_ms // self.interval_ms - (begin_ms - 1) // self.interval_ms

    def __call__(
        self, times_ms: Integers, values: Floats, begin_ms: int, end_ms: int
    ) -> tuple[Integers, Floats]:
        """One point a bucket, at its beginning.

        A bucket begins at a multiple of the interval since 1970, and has all points until the next one
        begins. Where empty ones are filled, they are so from ``begin_ms`` to ``end_ms``, both included.
        """
        if self.interval_ms == 0:
            inside = (times_ms >= begin_ms) & (times_ms <= end_ms)
            times_ms, values = np.where(inside, begin_ms, -1)[inside], values[inside]
        else:
            times_ms = times_ms - times_ms % self.interval_ms
        if len(times_ms):
            moments, starts = np.unique(times_ms, return_index=True)
            times_ms, values = moments, self.function.reduce(values, starts)
        return self._filled(times_ms, values, begin_ms, end_ms) if self.fills else (times_ms, values)

    def _filled(
        self, times_ms: Integers, values: Floats, begin_ms: int, end_ms: int
    ) -> tuple[Integers, Floats]:
        first = -(-begin_ms // self.interval_ms) * self.interval_ms
        every = np.arange(first, end_ms + 1, self.interval_ms, dtype=np.int64)
        moments = np.union1d(every, times_ms)
        result = np.full(len(moments), 0.0 if self.fill is Fill.ZERO else math.nan)
        result[np.searchsorted(moments, times_ms)] = values
        return moments, result


def parse_downsampling(text: str) -> Downsampling:
    """``<interval>-<function>[-<fill>]``. Raises TsdbQueryError that says what is wrong."""
    parts = text.split("-")
    if len(parts) not in (2, 3):
        raise TsdbQueryError(f"Invalid downsampling specifier {text!r:.80}", _FORM)
    interval, function, fill = parts[0], parts[1], parts[2] if len(parts) == 3 else Fill.NONE.value
    if _CALENDAR.fullmatch(interval):
        raise TsdbQueryError(
            f"Downsampling by the calendar, {interval!r}, is not supported",
            "leave out the c: buckets then begin at multiples of the interval since 1970 UTC",
        )
    if function not in AGGREGATORS:
        raise TsdbQueryError(
            f"No such downsampling function: {function!r:.60}", f"there are {', '.join(AGGREGATORS)}"
        )
    if AGGREGATORS[function] is NONE:
        raise TsdbQueryError("cannot use the none aggregator for downsampling", "as 1m-last")
    if fill not in list(Fill):
        raise TsdbQueryError(f"No such fill policy: {fill!r:.60}", f"there are {', '.join(Fill)}")
    interval_ms = 0 if _ALL.fullmatch(interval) else duration_ms(interval)
    return Downsampling(interval_ms, aggregator(function), Fill(fill))
