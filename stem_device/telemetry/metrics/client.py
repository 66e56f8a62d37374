"""``Telemetry``: metrics of a user's program, by the calls that users of Dragon know."""

from __future__ import annotations

import logging
import os
import socket
import threading
import weakref
from collections.abc import Mapping
from operator import index
from time import time_ns
from typing import Any, Self

from stem_device.telemetry.metrics.buffer import PointBuffer
from stem_device.telemetry.metrics.destination import destination_of
from stem_device.telemetry.metrics.health import MetricsHealth
from stem_device.telemetry.metrics.points import (
    HOST,
    PROCESS,
    Labels,
    labels_problem,
    name_problem,
    nanoseconds,
)
from stem_device.telemetry.metrics.sender import Sender
from stem_device.telemetry.metrics.settings import DEFAULT_LEVEL, first_level, level_of, settings_of
from stem_device.telemetry.processes import Hooks

_MOST_SERIES = 10_000
"""Series whose names are remembered; beyond that they are checked again."""

_log = logging.getLogger("stem_device.telemetry.metrics")


class Telemetry:
    """Sends points of metrics to an EventMonitor, in batches in the background. Any thread may call it.

    ``metrics_url`` is its HTTP port (``http://host:port``) or the device (``sys/eventmon/1``); without it the
    environment variable ``STEM_METRICS_URL``, or port 4242 of this machine. ``timeout`` is that of a request
    and of the end, in s; ``telem_cfg`` has further settings by name, see docs/reference/user-metrics.md.
    Nothing is asked before the first point. Raises TelemetryError for what cannot be used.
    """

    def __init__(
        self,
        metrics_url: str | None = None,
        timeout: float | None = None,
        telem_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings = settings_of(metrics_url, timeout, telem_cfg)
        self._destination = destination_of(self._settings.where, self._settings.more)
        self._level = first_level()
        self._starting = threading.Lock()
        self._begin()
        _register(self)

    def _begin(self) -> None:
        """The state of a process: its own points, counts and names."""
        self._buffer = PointBuffer(self._settings.max_points)
        self._sender = Sender(self._buffer, self._destination, self._settings)
        self._runs = False
        self._ended = False
        self._series: dict[tuple[Any, ...], tuple[str, Labels]] = {}
        self._refused = 0
        self._refusal = ""
        self._who = {HOST: socket.gethostname(), PROCESS: str(os.getpid())}

    def start(self, telemetry_level: int = DEFAULT_LEVEL) -> Self:
        """Keep points up to this level from now on; 0 keeps none. Raises TelemetryError."""
        self._level = level_of(telemetry_level)
        self._ended = False
        return self

    @property
    def level(self) -> int:
        """Points of a higher level are not kept: 1 is for users' metrics, 2 CPU, 3 GPU, 4 internals."""
        return self._level

    def add_data(  # noqa: PLR0917 - the arguments of Dragon, whose users pass them by place
        self,
        ts_metric_name: str,
        ts_data: float,
        timestamp: int | None = None,
        telemetry_level: int = 1,
        tagk: str | None = None,
        tagv: Any = None,
        **labels: Any,
    ) -> bool:
        """Send ``ts_data`` as a point of a metric; whether it was kept, which is not yet whether it arrives.

        Never waits and never raises. ``timestamp`` is since 1970 UTC, in s, ms, us or ns by its size; now
        unless given, in ns. ``tagk`` and ``tagv`` are a label, as ``labels`` are; ``host`` and ``process``
        are added.
        """
        moment = time_ns()
        try:
            if telemetry_level > self._level or self._ended:
                return False
            if timestamp is not None:
                moment = _moment(timestamp)
            value = float(ts_data)
            if value - value != 0.0:
                return self._refuse(ts_metric_name, f"a value must be a finite number, and is {value}")
            # With its class: 1, 1.0 and True are equal, and other labels.
            key = (ts_metric_name, tagk, tagv, tagv.__class__)
            if labels:
                key = (*key, *labels.items(), *map(type, labels.values()))
            series = self._series.get(key)
            if series is None:
                series = self._checked(key, ts_metric_name, tagk, tagv, labels)
        except Exception as error:  # noqa: BLE001 - whatever the objects of a program do
            return self._refuse(ts_metric_name, f"{error}" or type(error).__name__)
        self._buffer.add((series, moment, value))
        if not self._runs:
            self._run()
        return True

    def _checked(
        self, key: tuple[Any, ...], name: str, tagk: str | None, tagv: Any, labels: Mapping[str, Any]
    ) -> tuple[str, Labels]:
        told = dict(labels) if tagk is None else {tagk: tagv, **labels}
        tags = self._who | {str(label): str(value) for label, value in told.items()}
        if problem := name_problem(name) or labels_problem(tags):
            raise ValueError(problem)
        if len(self._series) >= _MOST_SERIES:
            self._series.clear()
        series = self._series[key] = (name, tuple(sorted(tags.items())))
        return series

    def _refuse(self, name: object, reason: str) -> bool:
        with self._starting:
            self._refused += 1
            shown = repr(name) if isinstance(name, str) else type(name).__name__
            first, self._refusal = not self._refused - 1, f"{shown:.80}: {reason}"
        if first:
            _log.warning("a point was rejected, and so will be those like it: %s", self._refusal)
        return False

    def _run(self) -> None:
        with self._starting:
            if not self._runs:
                self._runs = True
                self._sender.run()

    def flush(self, limit_seconds: float | None = None) -> bool:
        """Send all that waits now, on this thread; False if it is not sent after so many seconds."""
        return self._sender.flush(self._settings.timeout_seconds if limit_seconds is None else limit_seconds)

    def finalize(self) -> None:
        """Send what waits, for ``timeout`` at the longest, and end; points that come later are not kept.

        ``start`` begins again. Happens by itself at the end of the process.
        """
        self._ended = True
        self._sender.end(self._settings.timeout_seconds)
        with self._starting:
            self._runs = False

    def shutdown(self) -> None:
        """:meth:`finalize`, as it is called today."""
        self.finalize()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finalize()

    def health(self) -> MetricsHealth:
        """What became of the points of this process, and why."""
        sender, buffer, refused = self._sender, self._buffer, self._refused
        return MetricsHealth(
            level=self._level,
            url=self._destination.url,
            pid=os.getpid(),
            offered=buffer.added + refused,
            sent=sender.sent,
            waiting=len(buffer) + sender.under_way,
            dropped=buffer.dropped + sender.given_up,
            rejected=sender.rejected + refused,
            errors=sender.errors,
            last_error=sender.last_error,
            last_rejection=sender.last_rejection or self._refusal,
        )

    def last_words(self, limit_seconds: float) -> None:
        """At the end of the process, however it ends: see ``finalize``."""
        if self._runs:
            self._sender.end(min(limit_seconds, self._settings.timeout_seconds))

    def begin_in_child(self) -> None:
        """After a fork: what waits, and the connection, are the parent's."""
        self._destination.forget()
        self._starting = threading.Lock()
        ended = self._ended
        self._begin()
        self._ended = ended


def _moment(timestamp: float) -> int:
    try:
        whole = timestamp if isinstance(timestamp, bool) else index(timestamp)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    found = nanoseconds(float(timestamp) if whole is None else whole)
    if found is None:
        raise ValueError(f"a time must be a number since 1970 in s, ms, us or ns, and is {timestamp!r:.60}")
    return found


class _All:
    """Every object of this process, as the hooks of its end and of forks see them."""

    def __init__(self) -> None:
        self.living: weakref.WeakSet[Telemetry] = weakref.WeakSet()

    def last_words(self, limit_seconds: float) -> None:
        for one in tuple(self.living):
            one.last_words(limit_seconds)

    def begin_in_child(self) -> None:
        for one in tuple(self.living):
            one.begin_in_child()


_all = _All()
_hooks = Hooks(_all)


def _register(made: Telemetry) -> None:
    _all.living.add(made)
    _hooks.register(handle_sigterm=threading.current_thread() is threading.main_thread())
