"""``ElasticMetrics``: metrics of a processing step, a document for each message, by the calls of APF.

    class Classify(ElasticMetrics, Step):
        def execute(self, message):
            ...
            self.send_metrics(candid=message["candid"])

The cluster is never waited for: documents go through an outlet, in bulk requests, and where it is away onto
the disk.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stem_device.catalogue.snapshot_json import iso_text
from stem_device.elastic.documents import Document, document
from stem_device.elastic.polls import sender_of
from stem_device.elastic.sender import DocumentSender
from stem_device.elastic.settings import NAME, settings_from
from stem_device.elastic.spool import Spool
from stem_device.model.outlet_health import OutletHealth
from stem_device.outlets import Kept, Outlet

_log = logging.getLogger(__name__)

BATCH_DOCUMENTS = 1_000
BATCH_SECONDS = 1.0
"""A bulk request has so many documents at most, and waits for more so long."""
SPOOL_BYTES = 100_000_000
CLOSE_SECONDS = 10.0

SPOOL_DIRECTORY, SPOOL_LIMIT = "SPOOL_DIRECTORY", "SPOOL_BYTES"
"""Keys of ES_CONFIG that are ours: where documents wait while the cluster is away, and how many bytes."""


class ElasticMetrics:
    """A base, or one base more, of a step's class.

    ``config`` is the configuration of the step: where it has ``ES_CONFIG`` (``INDEX_PREFIX``, and all that
    the Elasticsearch client takes), metrics are sent; without it ``send_metrics`` does nothing. A class may
    have the same as ``config`` or ``ES_CONFIG``. Raises OptionError for settings that cannot be used,
    MissingExtraError without the client.
    """

    config: Mapping[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        begin = super().__init__
        if getattr(begin, "__qualname__", "") == "object.__init__":  # there is no other base
            begin()
        else:
            begin(*args, **kwargs)
        given = kwargs.get("config", args[0] if args else None)
        self._begin_metrics(given if isinstance(given, Mapping) else None)

    def send_metrics(self, **metrics: Any) -> None:
        """Index a document of these metrics, with ``source``, ``@timestamp`` and ``execution_time``.

        Never waits for the cluster, and never raises. ``execution_time`` (s) is the time since the last call,
        or since the step was made, unless it is given.
        """
        own = self._begin_metrics(None)
        if own is not None:
            own.send(metrics)

    def metrics_health(self) -> MetricsSent | None:
        """What became of the documents; None where no metrics are sent."""
        own = self.__dict__.get("_metrics")
        return own.health if own else None

    def close_metrics(self, limit_seconds: float = CLOSE_SECONDS) -> bool:
        """Send or keep what waits; happens by itself at the end of the program. Whether all was done."""
        own = self.__dict__.get("_metrics")
        return own.close(limit_seconds) if own else True

    def _begin_metrics(self, config: Mapping[str, Any] | None) -> StepMetrics | None:
        if "_metrics" not in self.__dict__:
            told = config if config is not None else self.config or {}
            settings = told.get(NAME, getattr(type(self), NAME, None))
            self._metrics = StepMetrics(type(self).__name__, settings) if settings is not None else None
        return self._metrics


class MetricsSent(NamedTuple):
    """``documents`` were made, ``sent`` have arrived, ``refused`` never will; ``batches`` says more."""

    documents: int
    sent: int
    refused: int
    batches: OutletHealth


class StepMetrics:
    """The documents of one step, on their way. ``source`` is the name of its class, as it is written."""

    def __init__(self, source: str, config: Mapping[str, Any]) -> None:
        self._source, self._config = source, dict(config)
        self._last, self._last_utc_ns = time.perf_counter(), time.time_ns()
        self._begin()

    def _begin(self, suffix: str = "") -> None:
        """What belongs to one process."""
        told = dict(self._config)
        directory, limit = told.pop(SPOOL_DIRECTORY, None), told.pop(SPOOL_LIMIT, SPOOL_BYTES)
        settings = settings_from(told)
        folder = f"{self._source.lower()}{suffix}"
        spool = Spool(Path(directory) / folder, int(limit)) if directory else None
        self._prefix, self._pid = settings.prefix, os.getpid()
        self._who = f"{socket.gethostname()}\0{self._pid}\0{time.time_ns()}"
        # Without the template of the monitor's documents: fields are the user's.
        self._sender = sender_of(settings, spool, with_template=False)
        self._outlet = Outlet(f"{self._source} metrics", _Batches(self._sender))
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._waiting: list[Document] = []
        self._documents = self._unusable = 0
        threading.Thread(target=self._offer_now_and_then, name="stem-step-metrics", daemon=True).start()
        self._outlet.offer(())  # begins its thread: at the end of the program none can begin
        # Registered after the client was made, so done before what its library does at the end.
        atexit.register(_close, weakref.ref(self))

    def send(self, metrics: Mapping[str, Any]) -> None:
        """One more document."""
        if os.getpid() != self._pid:  # a fork: what waits is the parent's
            self._begin(f"-{os.getpid()}")
        now, utc_ns = time.perf_counter(), time.time_ns()
        fields = {
            "execution_time": now - self._last,
            "timestamp_received": iso_text(self._last_utc_ns),
            "timestamp_sent": iso_text(utc_ns),
            **metrics,
        }
        self._last, self._last_utc_ns = now, utc_ns
        with self._lock:
            self._documents += 1
            identity = f"{self._who}\0{self._documents}"
            try:
                self._waiting.append(document(self._prefix, self._source, utc_ns, fields, identity))
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                self._unusable += 1
                if self._unusable == 1:
                    _log.error("metrics of %s that are no JSON are lost, as: %s", self._source, error)
            full = len(self._waiting) >= BATCH_DOCUMENTS
        if full:
            self._offer()

    def _offer(self) -> None:
        with self._lock:
            batch, self._waiting = tuple(self._waiting), []
            if batch:
                self._outlet.offer(batch)

    def _offer_now_and_then(self) -> None:
        ended = self._ended
        while not ended.wait(BATCH_SECONDS):
            self._offer()

    @property
    def health(self) -> MetricsSent:
        """What became of all of them."""
        sender = self._sender
        refused = sender.documents_refused + self._unusable
        return MetricsSent(self._documents, sender.documents_sent, refused, self._outlet.health)

    def close(self, limit_seconds: float) -> bool:
        """Send or keep what waits, and end."""
        if self._ended.is_set() or self._pid != os.getpid():
            return True
        self._ended.set()
        self._offer()
        return self._outlet.close(limit_seconds)


class _Batches:
    """Bulk requests as a consumer."""

    def __init__(self, sender: DocumentSender) -> None:
        self._send = sender.send
        self.close: Callable[[], None] = sender.close
        self.kept: Callable[[], Kept] = sender.kept
        self.ending: Callable[[], None] = sender.ending

    def take(self, batch: Sequence[Document]) -> None:
        """One request."""
        if batch:
            self._send(batch)


def _close(step: weakref.ref[StepMetrics]) -> None:
    if (found := step()) is not None:
        found.close(CLOSE_SECONDS)
