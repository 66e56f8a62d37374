"""Batches of documents in; out to the cluster, or onto the disk for as long as that is away.

Knows nothing of Snapshots: whoever has documents sends them here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from stem_device.elastic.documents import Document
from stem_device.elastic.spool import DamagedBatchError, Spool
from stem_device.errors import SendError
from stem_device.outlets import Kept
from stem_device.outlets.bounded_http import END_SECONDS

REPLAY_SECONDS = 1.0
"""How long one batch that comes is held up by those before it: 30 wait in the queue meanwhile."""
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
"""Between two tries while the cluster is away; each is twice the one before."""

_log = logging.getLogger(__name__)


class Outcome(Protocol):
    """See :class:`.cluster.Outcome`."""

    @property
    def later(self) -> tuple[Document, ...]: ...
    @property
    def refused(self) -> int: ...
    @property
    def reason(self) -> str: ...


class Cluster(Protocol):
    """See :class:`.cluster.Cluster`."""

    def put_template(self, name: str, body: Mapping[str, Any], /) -> None: ...
    def send(self, batch: Sequence[Document], /) -> Outcome: ...
    def end_within(self, seconds: float, /) -> None: ...
    def close(self) -> None: ...


class DocumentSender:
    """Sends one batch after the other, in order, and counts what becomes of each.

    With a ``spool`` a batch that the cluster does not take now waits there, over a restart too; without one
    it has failed. ``template`` (name and body) is put before the first batch. One thread calls ``send`` and
    ``close``; any thread the rest.
    """

    def __init__(
        self,
        cluster: Cluster,
        spool: Spool | None = None,
        template: tuple[str, Mapping[str, Any]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._spool = spool
        self._template = template
        self._now = now
        self._kept = Kept()
        self._sent = self._failed = self._unspooled = 0
        self._error = self._logged = ""
        self._pause = 0.0
        self._not_before = -1.0
        self._ending = False
        self.documents_sent = 0
        self.documents_refused = 0

    def kept(self) -> Kept:
        """Counts of batches, and the last error; see :class:`stem_device.outlets.Kept`.

        At once, also while the disk or the cluster hang: whoever polls asks.
        """
        return self._kept

    def _count(self) -> None:
        """Tell what there is by now."""
        spool = self._spool
        self._kept = Kept(
            sent=self._sent,
            waiting=len(spool) if spool else 0,
            dropped=(spool.dropped + spool.damaged if spool else 0) + self._unspooled,
            failed=self._failed,
            error=self._error,
        )

    def send(self, batch: Sequence[Document]) -> None:
        """Send a batch behind all that wait. Never raises for what the cluster or the disk do."""
        self._open_spool()
        if not (self._may_try() and self._replayed() and self._delivered(batch)):
            self._keep(batch)
        self._count()

    def ending(self) -> None:
        """Wait for no cluster that did not answer last, and for others not long: what is on the disk is safe.

        By any thread.
        """
        self._ending = True
        self._cluster.end_within(0.0 if self._pause else END_SECONDS)

    def close(self) -> None:
        """Let go of the cluster and of the directory."""
        self._cluster.close()
        if self._spool:
            self._spool.close()

    def _may_try(self) -> bool:
        return self._now() >= self._not_before and not (self._ending and self._pause)

    def _replayed(self) -> bool:
        """Whether all that waited was taken; if that takes long, the rest goes with the next batch."""
        spool, end = self._spool, self._now() + REPLAY_SECONDS
        while spool is not None and len(spool):
            try:
                batch = spool.first()
            except DamagedBatchError as error:
                self._tell(str(error))
                continue
            if batch and not self._delivered(batch, waiting=True):
                return False
            if self._now() > end and len(spool):
                return False
        return True

    def _delivered(self, batch: Sequence[Document], *, waiting: bool = False) -> bool:
        """Whether nothing of the batch has to be sent again. One that waits is taken from the spool then."""
        try:
            self._put_template()
            outcome = self._cluster.send(batch)
        except SendError as error:
            self._wait(getattr(error, "after_seconds", 0.0))
            self._tell(str(error))
            return False
        self.documents_sent += len(batch) - outcome.refused - len(outcome.later)
        self.documents_refused += outcome.refused
        if outcome.refused:
            self._tell(f"{outcome.refused} of {len(batch)} documents were refused: {outcome.reason}")
        if outcome.later:
            self._wait(0.0)
            self._tell(f"{len(outcome.later)} of {len(batch)} documents were not taken: {outcome.reason}")
            return self._put_back(outcome.later, waiting=waiting)
        if self._pause:
            _log.warning("Elasticsearch takes documents again")
        self._pause, self._not_before, self._logged = 0.0, -1.0, ""
        self._sent += not outcome.refused
        self._failed += bool(outcome.refused)
        if waiting and self._spool:
            self._spool.remove_first()
            self._count()
        return True

    def _put_back(self, rest: Sequence[Document], *, waiting: bool) -> bool:
        """Keep what a bulk request left; False for a batch that waits, since it goes on waiting."""
        if waiting and self._spool:
            try:
                self._spool.replace_first(rest)
            except SendError as error:
                self._tell(str(error))  # all of it is sent again then; identities keep it from being twice
            return False
        self._keep(rest)
        return True

    def _keep(self, batch: Sequence[Document]) -> None:
        if self._spool is None:
            self._failed += 1
            return
        before = self._spool.dropped
        try:
            self._spool.add(batch)
        except SendError as error:
            self._unspooled += 1
            self._tell(str(error))
        if self._spool.dropped > before:
            self._tell_dropped()

    def _tell_dropped(self) -> None:
        number = self._spool.dropped if self._spool else 0
        if number & (number - 1) == 0:  # 1, 2, 4, 8, ...: not at every poll
            _log.error("the spool of Elasticsearch is full: %d polls were dropped, the oldest first", number)

    def _open_spool(self) -> None:
        if self._spool is None:
            return
        try:
            self._spool.open()
        except SendError as error:
            self._tell(str(error))

    def _put_template(self) -> None:
        """Once; a cluster that refuses it guesses the types of fields instead. Raises SendError."""
        if self._template is None:
            return
        try:
            self._cluster.put_template(*self._template)
        except SendError as error:
            if getattr(error, "status", 0) in _TRIED_AGAIN:
                raise
            self._tell(f"the index template {self._template[0]} was not taken: {error}")
        self._template = None

    def _wait(self, after_seconds: float) -> None:
        self._pause = min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), MAX_PAUSE_SECONDS)
        self._not_before = self._now() + max(self._pause, after_seconds)

    def _tell(self, error: str) -> None:
        """Keep an error where the outlet shows it, and log it once."""
        if error != self._logged:
            self._logged = error
            _log.error("%s", error)
        self._error = error
        self._count()


_TRIED_AGAIN = frozenset({0, 401, 408, 429, 500, 502, 503, 504})
"""Statuses after which the cluster may take the template later; 0 where it did not answer."""
