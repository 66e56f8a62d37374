"""Changes a second between the points of one series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.opentsdb.series import Floats, Integers

LARGEST = float(2**63 - 1)
"""Where a counter begins anew if its query does not say: what Java's long holds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """As OpenTSDB's rateOptions.

    Without ``counter`` falls are negative rates. With it, a value that falls has gone over ``counter_max``:
    its rate is that of ``counter_max - before + value``, or 0 where that is above ``reset_value`` (if that is
    not 0), and with ``drop_resets`` there is no point.
    """

    counter: bool = False
    counter_max: float = LARGEST
    reset_value: float = 0.0
    drop_resets: bool = False

    def __call__(self, times_ms: Integers, values: Floats) -> tuple[Integers, Floats]:
        """One point less than there are, each at the later one of two."""
        seconds = np.diff(times_ms) / 1000.0
        changes = np.diff(values)
        times_ms = times_ms[1:]
        if not self.counter:
            return times_ms, changes / seconds
        fell = changes < 0
        if self.drop_resets:
            return times_ms[~fell], (changes / seconds)[~fell]
        rates = np.where(fell, changes + self.counter_max, changes) / seconds
        if self.reset_value > 0:
            rates[fell & (rates > self.reset_value)] = 0.0
        return times_ms, rates
