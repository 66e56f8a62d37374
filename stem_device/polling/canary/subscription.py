"""The only place that subscribes: one canary, by PyTango."""

from __future__ import annotations

import math
import time
from typing import Any

import tango

from stem_device.polling.canary.arrivals import Arrivals
from stem_device.text import visible

PERIODIC, CHANGE = "periodic", "change"
EVENTS = {PERIODIC: tango.EventType.PERIODIC_EVENT, CHANGE: tango.EventType.CHANGE_EVENT}
MAX_REASON = 300
DEFAULT_PERIOD_MS = 1000
"""Of periodic events, where nothing is set."""
TOLERANCE = 0.02
LONG_PERIOD_MS = 5000
TOLERANCE_MS = 100
"""How much less than a period is one for cppTango: a share, and this much from LONG_PERIOD_MS on."""


class Subscription:
    """Subscribes to one attribute, and asks its device for a sign of life. Raises tango.DevFailed."""

    def __init__(self, attribute: str, arrivals: Arrivals) -> None:
        self._device, _, self._name = attribute.rpartition("/")
        self._arrivals = arrivals
        self._proxy: Any = None
        self._number: int | None = None
        self._readings = 0

    def begin(self, wanted: str) -> str:
        """Subscribe, to ``wanted`` or to what there is; returns to which."""
        if self._proxy is None:
            self._proxy = tango.DeviceProxy(self._device)
        if not wanted:
            try:
                return self._subscribed(PERIODIC)
            except tango.DevFailed as error:
                if error.args[0].reason != "API_AttributePollingNotStarted":
                    raise
                return self._subscribed(CHANGE)
        return self._subscribed(wanted)

    def round_trip_seconds(self) -> float:
        """How long a ping takes."""
        return float(self._proxy.ping()) / 1e6

    def end(self) -> None:
        """Unsubscribe."""
        number, self._number = self._number, None
        if number is not None:
            self._proxy.unsubscribe_event(number)

    def _subscribed(self, event: str) -> str:
        period = self._period_seconds() if event == PERIODIC else 0.0
        self._readings = 1  # the first call is a reading, and no event
        self._number = self._proxy.subscribe_event(self._name, EVENTS[event], self._called)
        self._arrivals.begin(period)
        return event

    def _period_seconds(self) -> float:
        config = self._proxy.get_attribute_config(self._name)
        try:
            wanted = float(config.events.per_event.period)
        except ValueError:
            wanted = DEFAULT_PERIOD_MS
        return event_period_ms(wanted, self._proxy.get_attribute_poll_period(self._name)) / 1e3

    def _called(self, event: Any) -> None:
        if event.err:
            self._arrivals.note_error(reason_of(event.errors))
        elif self._readings:
            self._readings -= 1
        else:
            value = event.attr_value
            self._arrivals.note(time.time() - (value.time.totime() if value is not None else time.time()))


def event_period_ms(wanted: float, polled: float) -> float:
    """How far periodic events are apart: a number of pollings, and so many as last as long as is wanted.

    cppTango takes what lacks less than 2 %, or 100 ms from 5 s on, for long enough.
    ``polled`` is 0 where it is not known.
    """
    if polled <= 0:
        return wanted
    enough = wanted - TOLERANCE_MS if wanted >= LONG_PERIOD_MS else wanted * (1 - TOLERANCE)
    return max(1, math.ceil(enough / polled)) * polled


def reason_of(errors: Any) -> str:
    """What the first of Tango's errors says."""
    return visible(" ".join(str(errors[0].desc).split()))[:MAX_REASON]
