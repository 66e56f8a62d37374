"""Between the Monitor and Tango: what State, Status and the attributes are to show, from its Snapshots."""

from __future__ import annotations

import math

from stem_device.device.digest import digest
from stem_device.device.state import DeviceState, state_of
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
        self._polled: Polled | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Use this Snapshot from now on."""
        verdict = self.monitor.verdict
        if verdict is None:  # there is one before any consumer is called
            return
        numbers = digest(snapshot)
        self._polled = Polled(
            snapshot=snapshot,
            verdict=verdict,
            digest=numbers,
            latest=latest_snapshot(snapshot, numbers),
            missed_rate=_missed_rate(self._polled.snapshot if self._polled else None, snapshot),
        )

    def view(self, *, event_errors: int) -> View:
        monitor = self.monitor
        return View(
            polled=self._polled,
            recording=monitor.recording,
            health=monitor.health,
            outlets=monitor.outlets,
            targets=monitor.targets,
            poll_period_seconds=monitor.poll_period,
            sampling_wanted=monitor.sampling_wanted,
            event_errors=event_errors,
            unrecorded_marks=monitor.unrecorded_marks,
        )

    def state(self, view: View) -> DeviceState:
        return state_of(view.polled.verdict if view.polled else None, view.recording)

    def status(self, view: View, notes: tuple[str, ...] = ()) -> str:
        return status_of(
            Situation(
                snapshot=view.polled.snapshot if view.polled else None,
                verdict=view.polled.verdict if view.polled else None,
                targets=view.targets,
                recording=view.recording,
                health=view.health,
                outlets=view.outlets,
                unrecorded_marks=view.unrecorded_marks,
                notes=notes,
            )
        )


def _missed_rate(before: Snapshot | None, now: Snapshot) -> float:
    if before is None or now.monotonic_ns <= before.monotonic_ns:
        return math.nan
    # Less than before: somebody has set the counters back.
    missed = max(0, now.counts.missed - before.counts.missed)
    return missed * 1e9 / (now.monotonic_ns - before.monotonic_ns)
