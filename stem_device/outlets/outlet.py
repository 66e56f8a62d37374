"""An outlet: a consumer behind a queue, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

from msgspec import structs

from stem_device.errors import StemError
from stem_device.model.outlet_health import OutletHealth
from stem_device.outlets.consumer import Consumer, Ending, Keeper
from stem_device.outlets.outlet_queue import MAX_ERROR_CHARACTERS, MAX_WAITING, OutletQueue
from stem_device.text import visible

Item = TypeVar("Item")

_log = logging.getLogger(__name__)


class Outlet(Generic[Item]):
    """Passes items on to a consumer, in order. Every method may be called from any thread.

    ``consumer`` is a Consumer, or a function that takes an item. ``max_waiting`` items wait for it at most;
    beyond that items are dropped and counted. ``thread_context`` is entered by the thread, which begins with
    the first item.
    """

    def __init__(
        self,
        name: str,
        consumer: Consumer[Item] | Callable[[Item], object],
        *,
        max_waiting: int = MAX_WAITING,
        thread_context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._queue: OutletQueue[Item] = OutletQueue(name, max_waiting)
        if isinstance(consumer, Consumer):
            self._take, self._close_consumer = consumer.take, consumer.close
        else:
            self._take, self._close_consumer = consumer, _nothing
        self._keeper = consumer if isinstance(consumer, Keeper) else None
        self._tell_ending = consumer.ending if isinstance(consumer, Ending) else _nothing
        self._thread_context = thread_context
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._logged = ""

    @property
    def name(self) -> str:
        return self._queue.name

    @property
    def health(self) -> OutletHealth:
        """What became of the items so far; those that a :class:`.consumer.Keeper` keeps are waiting."""
        own = self._queue.health
        if self._keeper is None:
            return own
        kept = self._keeper.kept()
        return structs.replace(
            own,
            sent=kept.sent,
            dropped=own.dropped + kept.dropped,
            failed=own.failed + kept.failed,
            waiting=own.waiting + kept.waiting,
            last_error=own.last_error or visible(kept.error)[:MAX_ERROR_CHARACTERS],
        )

    @property
    def ended(self) -> bool:
        """Whether the consumer has been closed, and nothing of it goes on."""
        return self._thread is not None and not self._thread.is_alive()

    def offer(self, item: Item) -> bool:
        """Queue an item, never waiting for the consumer; False if it was dropped, or the outlet is closed."""
        taken = self._queue.offer(item)
        if taken:
            self._run_thread()
        return taken

    def hand_over(self, item: Item, limit_seconds: float) -> bool:
        """Offer an item, and if none waits before it, wait so long for the consumer to take it.

        So whoever offers finds what the consumer made of it, as long as the consumer keeps up. One that is
        behind is not waited for.
        """
        keeps_up = not self._queue.health.waiting
        taken = self.offer(item)
        if taken and keeps_up:
            self.wait_until_empty(limit_seconds)
        return taken

    def wait_until_empty(self, limit_seconds: float) -> bool:
        """Whether all that was offered was passed on within this time."""
        return self._queue.wait_until_empty(limit_seconds)

    def end(self) -> None:
        """Take no more items; what waits is passed on, then the consumer is closed. Does not wait."""
        self._queue.close()
        self._tell_ending()
        self._run_thread()

    def close(self, limit_seconds: float) -> bool:
        """End, and wait for it no longer than that; what waits then is dropped, counted and logged.

        Whether all was done in time. A consumer that hangs is closed when it goes on. Closing twice is no
        error.
        """
        self.end()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return False
        thread.join(limit_seconds)
        if thread.is_alive():
            dropped = self._queue.drop_waiting()
            _log.error(
                "the outlet %s did not end within %g s; %d of its items are lost",
                self.name,
                limit_seconds,
                dropped,
            )
        return not thread.is_alive()

    def _run_thread(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"stem-{self.name}", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        with self._thread_context():
            while self._pass_on_next():
                pass
            if error := self._failure_of(self._close_consumer):
                self._queue.note(error)

    def _pass_on_next(self) -> bool:
        """False after the last item."""
        item = self._queue.take()
        if item is None:
            return False
        self._queue.done(self._failure_of(self._take, item))
        return True

    def _failure_of(self, call: Callable[..., object], *arguments: Item) -> str:
        """Call foreign code; what it raised, empty if nothing. Whatever it raises, the outlet goes on."""
        try:
            call(*arguments)
        except BaseException as error:  # noqa: BLE001 - of foreign code; told and counted
            text = f"{type(error).__name__}: {error}"
            if text != self._logged:  # once, not at every poll
                self._logged = text
                _log.error(
                    "the outlet %s failed: %s", self.name, text, exc_info=not isinstance(error, StemError)
                )
            return text
        return ""


def _nothing() -> None:
    """Close nothing."""
