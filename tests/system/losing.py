"""A publisher and a subscriber that loses its events, in every way there is.

What was pushed and what arrived they count themselves: the devices of the demo number their events.
"""

from __future__ import annotations

import signal

from tests.system.event_monitors import EventMonitor
from tests.system.harness import FLOOD, Server, ServerFactory, settle

KEPT = 300


class Losing:
    """A publisher and a subscriber that loses its events; ``pushed`` and ``received`` are the truth."""

    def __init__(self, servers: ServerFactory) -> None:
        self.publisher, self.subscriber = servers(), servers()
        self.pushed = self.received = self._received_before = 0
        self._index = self._subscribe()

    @property
    def lost(self) -> int:
        return self.pushed - self.received

    def overflow(self) -> None:
        """A slow callback: the queues overflow, and the gap is noticed."""
        self._burst()
        self._drain()
        self._push_one_by_one(1)

    def kill_publisher(self, monitor: EventMonitor) -> None:
        """While events wait in its queue, and after many did not fit into it; then it begins anew."""
        self._burst()
        monitor.wait_polls(2)
        _kill(self.publisher)
        self._drain()
        self.publisher.start()
        self.subscriber.subscriber.wait_synchronous(2, self._index)
        monitor.wait_polls(2)
        self._push_one_by_one(50)

    def renew(self, monitor: EventMonitor) -> None:
        """Subscribed anew in the same process, while events wait for a slow callback."""
        self._block(monitor, 0.3)
        self.subscriber.subscriber.unsubscribe(self._index)
        self._begin_anew(monitor)

    def restart_subscriber(self, monitor: EventMonitor) -> None:
        """While its callback hangs: nobody will know what it would have received."""
        self._block(monitor, 60.0)
        self._received_before = self.received
        _kill(self.subscriber)
        self.subscriber.start()
        self._begin_anew(monitor)

    def _block(self, monitor: EventMonitor, delay_seconds: float) -> None:
        self.subscriber.subscriber.set_delay(self._index, delay_seconds)
        self._push(KEPT)
        monitor.wait(lambda: monitor.number("overdueEvents") > KEPT // 2, "what is overdue")
        self._count()

    def _begin_anew(self, monitor: EventMonitor) -> None:
        self._index = self._subscribe()
        monitor.wait_polls(2)
        self._push_one_by_one(20)

    def _subscribe(self) -> int:
        return self.subscriber.subscriber.subscribe(self.publisher.publisher)

    def _push(self, steps: int) -> None:
        self.publisher.publisher.push(steps=steps)
        self.pushed += steps

    def _burst(self) -> None:
        self.subscriber.subscriber.set_delay(self._index, 0.002)
        self.publisher.publisher.push_in_background(steps=FLOOD)
        self.publisher.publisher.wait_pushed()
        self.pushed += FLOOD

    def _drain(self) -> None:
        self.subscriber.subscriber.set_delay(self._index, 0)
        settle(self.subscriber)
        self._count()

    def _push_one_by_one(self, steps: int) -> None:
        """They all arrive."""
        before = self.subscriber.subscriber.truth(self._index).events
        self._push(steps)
        self.subscriber.subscriber.wait_events(before + steps, self._index)
        self._count()

    def _count(self) -> None:
        """All callbacks of this life of the process, and the lives before."""
        self.received = self._received_before + sum(
            truth.events for truth in self.subscriber.subscriber.truths()
        )


def _kill(server: Server) -> None:
    server.process.signal(signal.SIGKILL)
    server.process.wait()
