"""What the demo shows: the attributes of ``EventMonitor``, as they arrive by event."""

from __future__ import annotations

import queue
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import tango
from msgspec import Struct, ValidationError, convert, json, structs

from stem_device.analysis.verdict import Level
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts
from stem_device.report.overview import Judgement, ServerRow, SubscriptionRow, worst_first

ATTRIBUTES = (
    "verdict",
    "verdictText",
    "latestSnapshot",
    "State",
    "Status",
    "recordingPath",
    "recordedPolls",
    "recordedBytes",
)
"""What is subscribed to, all of it for change events. The device pushes a verdict before its poll."""

_IDL_LEVEL = re.compile(r"\.idl\d+_")


class _Totals(Struct, frozen=True, rename="camel"):
    """``overdue`` is null where no subscription tells."""

    published: int
    received: int
    missed: int
    unaccounted: int
    overdue: int | None
    overdue_unknown: int
    gaps: int
    discarded: int
    resets: int

    def counts(self) -> Counts:
        return Counts(
            published=self.published,
            received=self.received,
            missed=self.missed,
            unaccounted=self.unaccounted,
            overdue=self.overdue or 0,
            overdue_unknown=self.overdue_unknown,
            gaps=self.gaps,
            discarded=self.discarded,
            resets=self.resets,
        )


class _Server(Struct, frozen=True):
    name: str
    state: ServerState
    reason: str
    totals: _Totals


class _Worst(Struct, frozen=True, rename="camel"):
    server: str
    topic: str
    received: int
    missed: int
    missed_at_least: bool
    unaccounted: int
    overdue: int | None
    gaps: int


class _Latest(Struct, frozen=True, rename="camel"):
    """The part of ``latestSnapshot`` (version 2) that is shown. A rate is None before the second poll."""

    poll: int
    time: datetime
    totals: _Totals
    published_rate: float | None
    received_rate: float | None
    servers: tuple[_Server, ...]
    worst_subscriptions: tuple[_Worst, ...]


class Received(Struct, frozen=True):
    """One poll as the device told it. Rates are events per second, NaN before the second poll."""

    poll: int
    time_utc_ns: int
    counts: Counts
    published_rate: float
    received_rate: float
    servers: tuple[ServerRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    verdict: Judgement | None = None


class Feed:
    """Subscribes on construction; a context manager that unsubscribes.

    ``errors`` counts events that carried an error instead of a value, or a value that cannot be read.
    """

    def __init__(self, device: tango.DeviceProxy) -> None:
        self._device = device
        self._polls: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._values: dict[str, Any] = {}
        self.errors = 0
        self._subscriptions = [
            device.subscribe_event(name, tango.EventType.CHANGE_EVENT, self._take) for name in ATTRIBUTES
        ]

    def close(self) -> None:
        """Unsubscribe; a device that is gone already is no error."""
        while self._subscriptions:
            with suppress(tango.DevFailed):
                self._device.unsubscribe_event(self._subscriptions.pop())

    @property
    def state(self) -> str:
        return str(self._values.get("state", "UNKNOWN"))

    @property
    def status(self) -> str:
        return str(self._values.get("status", ""))

    @property
    def recording_path(self) -> str:
        return str(self._values.get("recordingpath", ""))

    @property
    def recorded_polls(self) -> int:
        return int(self._values.get("recordedpolls", 0))

    @property
    def recorded_bytes(self) -> int:
        return int(self._values.get("recordedbytes", 0))

    def next(self, seconds: float) -> Received | None:
        """The next poll; None if none arrives within ``seconds``."""
        with suppress(queue.Empty):
            return self._polls.get(timeout=max(0.0, seconds))
        return None

    def _take(self, event: tango.EventData) -> None:
        """Callback of every subscription, on Tango's own thread."""
        if event.err or event.attr_value is None:
            self.errors += 1
            return
        name = event.attr_value.name.lower()
        if name != "latestsnapshot":
            self._values[name] = event.attr_value.value
        elif event.attr_value.value:
            self._take_snapshot(event.attr_value.value)

    def _take_snapshot(self, text: str) -> None:
        try:
            self._polls.put(structs.replace(received(text), verdict=self._verdict()))
        except ValidationError:
            self.errors += 1

    def _verdict(self) -> Judgement | None:
        """None before the device has told one."""
        level, text = self._values.get("verdict"), self._values.get("verdicttext")
        return None if level is None or not text else Judgement(Level(int(level)), str(text))


def received(text: str) -> Received:
    """Read ``latestSnapshot``, which has no sentence: the verdict is None.

    Raises msgspec.ValidationError if it is something else.
    """
    latest = convert(json.decode(text), _Latest)
    return Received(
        poll=latest.poll,
        time_utc_ns=round(latest.time.astimezone(UTC).timestamp() * 1e9),
        counts=latest.totals.counts(),
        published_rate=_rate(latest.published_rate),
        received_rate=_rate(latest.received_rate),
        servers=tuple(sorted((_server_row(server) for server in latest.servers), key=lambda row: row.name)),
        subscriptions=worst_first([_subscription_row(worst) for worst in latest.worst_subscriptions]),
    )


def _rate(value: float | None) -> float:
    return float("nan") if value is None else value


def _server_row(server: _Server) -> ServerRow:
    totals = server.totals.counts()
    return ServerRow(
        name=server.name,
        state=server.state,
        reason=server.reason,
        published_total=totals.published,
        received_total=totals.received,
        missed_total=totals.missed,
        overdue=server.totals.overdue,
        unaccounted_total=totals.unaccounted,
    )


def _subscription_row(worst: _Worst) -> SubscriptionRow:
    return SubscriptionRow(
        subscriber=worst.server,
        stream=_IDL_LEVEL.sub(".", worst.topic),
        received_total=worst.received,
        missed_total=worst.missed,
        missed_at_least=worst.missed_at_least,
        gaps_total=worst.gaps,
        overdue=worst.overdue,
        unaccounted_total=worst.unaccounted,
    )
