"""Attributes of any device, beside the event numbers: by their events where they have some, else read.

Each device has a thread of its own, so that one that hangs holds up no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tango

from stem_device.errors import OptionError
from stem_device.model.snapshot import MetricSeries
from stem_device.text import visible

METRIC = "device_attribute"
"""As Tango people know attributes from Prometheus, with the labels ``device`` and ``name``."""
SUBSCRIBE_AGAIN_SECONDS = 60.0
"""After a device said that an attribute has no events: somebody may configure them."""
MAX_ELEMENTS = 100
"""Of a spectrum or an image; each is a series."""
JOIN_SECONDS = 1.0

Sink = Callable[[MetricSeries, int, float], str]
"""Takes a point: series, time in ns since 1970 UTC, value; says why it could not, "" if it could."""

_log = logging.getLogger(__name__)


class ExtraAttributes:
    """Reads and subscribes from ``start`` to ``stop``. Raises OptionError for what is no attribute's name."""

    def __init__(self, names: Iterable[str], sink: Sink, period: Callable[[], float], timeout: float) -> None:
        self._period = period
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._attributes = [_Attribute(*_split(name), sink, timeout) for name in dict.fromkeys(names)]

    @property
    def errors(self) -> tuple[str, ...]:
        """What is wrong now, one attribute each: ``a/b/c/x: why``."""
        return tuple(f"{one.full_name}: {one.error}" for one in self._attributes if one.error)

    def start(self) -> None:
        by_device: dict[str, list[_Attribute]] = {}
        for one in self._attributes:
            by_device.setdefault(one.device, []).append(one)
        for number, attributes in enumerate(by_device.values()):
            name = f"stem-extra-{number}"
            thread = threading.Thread(target=self._run, args=(attributes,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Unsubscribe; a device that hangs is not waited for."""
        self._ending.set()
        end = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self, attributes: list[_Attribute]) -> None:
        with tango.EnsureOmniThread():
            while not self._ending.is_set():
                for one in attributes:
                    one.look()
                self._ending.wait(self._period())
            for one in attributes:
                one.close()


class _Attribute:
    def __init__(self, device: str, name: str, sink: Sink, timeout: float) -> None:
        self.device, self.name = device, name
        self.full_name = f"{device}/{name}"
        self.error = ""
        self._sink = sink
        self._timeout = timeout
        self._proxy: Any = None
        self._subscription: int | None = None
        self._by_events = False
        self._subscribe_at = 0.0
        self._labels: dict[str, str] = {}

    def look(self) -> None:
        """Read it, unless events come."""
        try:
            proxy = self._connected()
            if self._subscription is None and time.monotonic() >= self._subscribe_at:
                self._subscribe(proxy)
            if not self._by_events:
                self._take(proxy.read_attribute(self.name))
        except tango.DevFailed as error:
            self._fail(str(error.args[0].desc))
        except Exception as error:  # noqa: BLE001 - of one attribute; told
            self._fail(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            try:
                self._proxy.unsubscribe_event(subscription)
            except tango.DevFailed:
                _log.info("%s cannot be unsubscribed", self.full_name)

    def _connected(self) -> Any:
        if self._proxy is None:
            proxy = tango.DeviceProxy(self.device)
            proxy.set_timeout_millis(round(self._timeout * 1000))
            self._proxy = proxy
        if not self._labels:
            config = self._proxy.get_attribute_config(self.name)
            told = {"device": self.device, "name": self.name, "unit": config.unit, "label": config.label}
            self._labels = {key: visible(text)[:200] for key, text in told.items() if text.strip()}
        return self._proxy

    def _subscribe(self, proxy: Any) -> None:
        self._subscribe_at = time.monotonic() + SUBSCRIBE_AGAIN_SECONDS
        try:
            self._subscription = proxy.subscribe_event(
                self.name, tango.EventType.CHANGE_EVENT, self._on_event
            )
        except tango.DevFailed as error:
            _log.info("%s has no change events: %s", self.full_name, error.args[0].desc)

    def _on_event(self, event: Any) -> None:
        """On a thread of Tango's. While the device is away, reading tells why."""
        if event.err:
            self._by_events = False
            self._fail(str(event.errors[0].desc))
            return
        self._by_events = True
        try:
            self._take(event.attr_value)
        except Exception as error:  # noqa: BLE001 - of one attribute; told
            self._fail(f"{type(error).__name__}: {error}")

    def _take(self, reading: Any) -> None:
        if reading.quality == tango.AttrQuality.ATTR_INVALID or reading.value is None:
            self._fail("its value is invalid")
            return
        stamp = reading.time
        at = stamp.tv_sec * 10**9 + stamp.tv_usec * 1000 + stamp.tv_nsec
        problem = ""
        for place, value in _numbers(reading.value):
            series = MetricSeries(METRIC, tuple(sorted({**self._labels, **place}.items())))
            problem = self._sink(series, at if at > 0 else time.time_ns(), value) or problem
        self._fail(problem)

    def _fail(self, reason: str) -> None:
        reason = visible(reason.strip())[:400]
        if reason and reason != self.error:
            _log.warning("%s: %s", self.full_name, reason)
        self.error = reason


def _numbers(value: Any) -> Iterator[tuple[dict[str, str], float]]:
    """The value as numbers, with the places of those of a spectrum or an image. Raises ValueError."""
    array = np.asarray(value)
    if array.dtype.kind == "O":  # a state
        array = np.asarray(int(value))
    if array.dtype.kind not in "biuf":
        raise ValueError("a text is no number")
    if array.size > MAX_ELEMENTS:
        raise ValueError(f"it has {array.size} elements, and {MAX_ELEMENTS} are taken at most")
    for place, one in np.ndenumerate(array):
        if np.isfinite(one):
            names = ("x",) if len(place) == 1 else ("y", "x")
            yield dict(zip(names, map(str, place), strict=False)), float(one)


def _split(full_name: str) -> tuple[str, str]:
    device, _, name = full_name.strip().rpartition("/")
    if device.removeprefix("tango://").count("/") < 2 or not name:
        raise OptionError("ExtraAttributes", full_name, "must be names of attributes, as sys/tg_test/1/ampli")
    return device, name
