"""The documents of one poll: its figures, one for each thing that has figures, and one for each loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stem_device.catalogue import (
    Kind,
    Labels,
    Quantity,
    Scope,
    Series,
    Spread,
    bound_text,
    device_and_name,
    sent_points,
)
from stem_device.elastic.documents import Document, date_text, document
from stem_device.elastic.losses import Loss, LossFinder
from stem_device.model.snapshot import Snapshot

SOURCE = "EventMonitor"

KINDS = {
    Scope.MONITOR: "poll",
    Scope.STATE: "servers",
    Scope.PHASE: "phase",
    Scope.CAUSE: "cause",
    Scope.OUTLET: "outlet",
    Scope.MARK: "mark",
    Scope.LINK: "heartbeat",
    Scope.CANARY: "canary",
    Scope.SERVER: "server",
    Scope.SERVER_ABOUT: "version",
    Scope.PUBLISHER: "publisher",
    Scope.SUBSCRIBER: "subscriber",
    Scope.STREAM: "stream",
    Scope.SUBSCRIPTION: "subscription",
    Scope.FINDING: "finding",
    Scope.BUILD: "build",
    Scope.TIMED: "timed",
    Scope.HALT: "halt",
    Scope.PROCESS: "process",
    Scope.USER: "metric",
}
"""By scope of the catalogue: the field ``kind`` of a document. A loss has ``loss``."""


class PollDocuments:
    """Makes the documents of each poll in turn; ``monitor`` names who monitors, and tells its documents from
    those of others in the same index."""

    def __init__(self, prefix: str, monitor: str) -> None:
        self._prefix = prefix
        self._monitor = monitor
        self._losses = LossFinder()

    def of(self, snapshot: Snapshot, told: Iterable[Series]) -> list[Document]:
        """``told`` are its series. The document of the poll comes first; it alone has ``execution_time``, in
        seconds.
        """
        by_row: dict[tuple[Scope, Labels], dict[str, Any]] = {
            (Scope.MONITOR, ()): {"execution_time": snapshot.duration_seconds}
        }
        for series in told:
            quantity = series.quantity
            scope, names, put = quantity.scope, quantity.labels, _putter(quantity)
            for labels, value in series.points:
                row = by_row.get((scope, labels))
                if row is None:
                    row = by_row[scope, labels] = dict(zip(names, labels, strict=True))
                put(row, value)
        made = [
            self._document(snapshot, KINDS[scope], labels, fields)
            for (scope, labels), fields in by_row.items()
        ]
        # A subscription that ended and its successor have the same topic.
        made += [
            self._document(snapshot, "loss", (loss.subscriber, loss.topic, str(number)), _loss_fields(loss))
            for number, loss in enumerate(self._losses.of(snapshot))
        ]
        made += self._users(snapshot)
        return made

    def _users(self, snapshot: Snapshot) -> Iterator[Document]:
        """Of every point, in the index of the day when it came: its own time may be any."""
        series = [
            {
                "metric": one.name,
                "host": one.host,
                "process": one.process,
                # A field for each would be too many.
                "labels": [f"{name}={text}" for name, text in one.labels] or None,
            }
            for one in snapshot.metrics.series
        ]
        columns = (column.tolist() for column in sent_points(snapshot.metrics))
        for number, (index, at, value, points) in enumerate(zip(*columns, strict=True)):
            own = {"@timestamp": date_text(at), "at_utc_ns": at, "value": value, "points": points}
            yield self._document(snapshot, KINDS[Scope.USER], (str(number),), {**series[index], **own})

    def _document(
        self, snapshot: Snapshot, kind: str, labels: Iterable[str], fields: dict[str, Any]
    ) -> Document:
        moment = snapshot.time_utc_ns
        identity = "\0".join((self._monitor, str(moment), str(snapshot.poll), kind, *labels))
        told = {"kind": kind, "monitor": self._monitor, "poll": snapshot.poll, **fields}
        return document(self._prefix, SOURCE, moment, told, identity)


def _putter(quantity: Quantity) -> Callable[[dict[str, Any], Any], None]:
    """Puts a value into a row, by the name that all tools have."""
    name = quantity.metric
    if quantity.kind is Kind.HISTOGRAM:
        return lambda row, value: row.update(_spread_fields(name, value))
    if quantity.kind is Kind.STATE_SET:
        return lambda row, value: row.__setitem__(name, value)
    number: Callable[[Any], int | float] = int if quantity.whole else float
    return lambda row, value: row.__setitem__(name, number(value))


def _spread_fields(name: str, spread: Spread) -> Iterator[tuple[str, Any]]:
    """Of a histogram the values of this poll alone."""
    below = 0
    for bound, count in zip((*map(bound_text, spread.bounds), "inf"), spread.counts, strict=True):
        below += count
        # A point in a name would make an object of it.
        yield f"{name}_bucket_le_{bound.replace('.', '_')}", below
    yield f"{name}_count", below
    yield f"{name}_sum", spread.total


def _loss_fields(loss: Loss) -> dict[str, Any]:
    device, name = device_and_name(loss.stream)
    return {
        "subscriber": loss.subscriber or None,
        "publisher": loss.publisher or None,
        "stream": loss.stream or None,
        "device": device or None,
        "name": name or None,
        "onset": date_text(loss.onset_utc_ns),
        "notice": date_text(loss.notice_utc_ns),
        "lost_lower": loss.missed,
        "lost_upper": loss.missed + loss.unaccounted,
        "at_least": loss.at_least,
        "missed": loss.missed,
        "unaccounted": loss.unaccounted,
        "cause": loss.cause or None,
        "likely": loss.likely,
        "sentence": loss.sentence or None,
        "advice": loss.advice or None,
    }
