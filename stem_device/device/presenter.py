"""Between the Monitor and Tango: what State, Status and the attributes are to show, from its Snapshots."""

from __future__ import annotations

from stem_device.device.digest import digest
from stem_device.device.state import DeviceState, History, advance, state_of
from stem_device.device.status import Situation, status_of
from stem_device.device.summary import latest_snapshot
from stem_device.device.view import Polled, View
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor


class Presenter:
    """One life of the device, from Init to Init.

    ``take`` is called on the poll thread alone; the rest by any thread, since what it keeps is replaced
    as a whole.
    """

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._history = History()
        self._polled: Polled | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Use this Snapshot from now on."""
        self._history = advance(self._history, snapshot, self.monitor.options)
        numbers = digest(snapshot)
        self._polled = Polled(snapshot=snapshot, digest=numbers, latest=latest_snapshot(snapshot, numbers))

    def view(self, *, event_errors: int) -> View:
        monitor = self.monitor
        return View(
            polled=self._polled,
            recording=monitor.recording,
            health=monitor.health,
            targets=monitor.targets,
            poll_period_seconds=monitor.poll_period,
            sampling_wanted=monitor.sampling_wanted,
            event_errors=event_errors,
            unrecorded_marks=monitor.unrecorded_marks,
        )

    def state(self, view: View) -> DeviceState:
        snapshot = view.polled.snapshot if view.polled else None
        return state_of(snapshot, self._history, self.monitor.options, view.recording)

    def status(self, view: View, notes: tuple[str, ...] = ()) -> str:
        return status_of(
            Situation(
                snapshot=view.polled.snapshot if view.polled else None,
                history=self._history,
                options=self.monitor.options,
                targets=view.targets,
                recording=view.recording,
                health=view.health,
                unrecorded_marks=view.unrecorded_marks,
                notes=notes,
            )
        )
