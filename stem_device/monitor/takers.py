"""Who takes Snapshots, besides the recording: steps of the poll, and outlets that programs have added."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from stem_device.errors import OptionError
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.snapshot import Snapshot
from stem_device.monitor.health import HealthNotes
from stem_device.outlets import Consumer, Outlet

logger = logging.getLogger(__name__)

Step = Callable[[Snapshot], object]

OWN_NAMES = frozenset({"marks", "recording"})
"""Of the monitor's own outlets."""


class Takers:
    """Hands every Snapshot on. ``thread_context`` is entered in the threads of consumers."""

    def __init__(
        self, notes: HealthNotes, thread_context: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._notes = notes
        self._thread_context = thread_context
        self._steps: list[Step] = []
        self._outlets: list[Outlet[Snapshot]] = []

    @property
    def health(self) -> tuple[OutletHealth, ...]:
        """How every outlet that was added is doing."""
        return tuple(outlet.health for outlet in self._outlets)

    def add_consumer(
        self, consumer: Consumer[Snapshot] | Callable[[Snapshot], object], name: str, max_waiting: int
    ) -> Outlet[Snapshot]:
        """Behind an outlet of its own, consumer-1, consumer-2, ... without a name. Raises OptionError."""
        name = name or f"consumer-{len(self._outlets) + 1}"
        outlet = Outlet(name, consumer, max_waiting=max_waiting, thread_context=self._thread_context)
        self.add_outlet(outlet)
        self.add_step(outlet.offer)
        return outlet

    def add_outlet(self, outlet: Outlet[Snapshot]) -> None:
        """To be closed with the others; its owner offers it Snapshots. Raises OptionError."""
        if outlet.name in {*OWN_NAMES, *(one.name for one in self._outlets)}:
            raise OptionError("name", outlet.name, "there is an outlet of this name already")
        self._outlets.append(outlet)

    def add_step(self, step: Step) -> None:
        """Called in the poll thread, so it must wait for nothing."""
        self._steps.append(step)

    def publish(self, snapshot: Snapshot) -> None:
        """To all, in the order in which they came; one that fails is logged and counted."""
        for step in tuple(self._steps):
            try:
                step(snapshot)
            except Exception as error:
                logger.exception("A step of the poll failed")
                self._notes.note(error, consumer_errors=1)

    def end(self) -> None:
        """Take nothing more; all outlets begin to end at the same time."""
        for outlet in self._outlets:
            outlet.end()

    def close(self, seconds_left: Callable[[], float]) -> None:
        """Wait for each outlet as long as there is time."""
        for outlet in self._outlets:
            outlet.close(seconds_left())
