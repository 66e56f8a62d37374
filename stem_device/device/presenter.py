"""Between the Monitor and Tango: what State, Status and the attributes are to show, from its Snapshots."""

from __future__ import annotations

import math

from stem_device.analysis.topology import Topology, topology
from stem_device.device.digest import digest
from stem_device.device.state import DeviceState, state_of
from stem_device.device.status import Situation, status_of
from stem_device.device.summary import latest_snapshot
from stem_device.device.view import Polled, View
from stem_device.model.snapshot import NO_METRICS, MetricRows, Snapshot
from stem_device.monitor import Monitor
from stem_device.web import Port


class Presenter:
    """One life of the device, from Init to Init.

    ``take`` is called on the poll thread alone; the rest by any thread, since what it keeps is replaced
    as a whole.
    """

    def __init__(self, monitor: Monitor, port: Port | None = None) -> None:
        self.monitor = monitor
        self._port = port
        self._polled: Polled | None = None
        self._before: Snapshot | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Use this Snapshot from now on."""
        verdict = self.monitor.verdict
        if verdict is None:  # there is one before any consumer is called
            return
        numbers = digest(snapshot)
        self._before = self._polled.snapshot if self._polled else None
        self._polled = Polled(
            snapshot=snapshot,
            verdict=verdict,
            digest=numbers,
            latest=latest_snapshot(snapshot, numbers),
            missed_rate=_missed_rate(self._before, snapshot),
        )

    @property
    def metrics(self) -> MetricRows:
        """Metrics of users as of the latest poll."""
        return self._polled.snapshot.metrics if self._polled else NO_METRICS

    def view(self, *, event_errors: int, metric_errors: tuple[str, ...] = ()) -> View:
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
            clients=monitor.clients.health,
            metrics=monitor.metrics.counts,
            extra_errors=monitor.extra_attributes.errors,
            metric_errors=metric_errors,
            canaries=monitor.canaries,
            silent_publishers=tuple(link.publisher for link in monitor.links if link.silent),
            http_url=self._port.url if self._port else "",
            http_error=self._port.error if self._port else "",
            own=monitor.own_process,
            telemetry_problems=monitor.telemetry_problems,
        )

    def topology(self) -> Topology | None:
        """Who publishes what to whom, with the rates of the last poll period; None before the first poll."""
        polled, before = self._polled, self._before
        return None if polled is None else topology(before, polled.snapshot)

    def state(self, view: View) -> DeviceState:
        return state_of(view.polled.verdict if view.polled else None, view.recording, view.http_error)

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
                http_url=view.http_url,
                http_error=view.http_error,
                own=view.own,
                telemetry_problems=view.telemetry_problems,
                notes=notes,
            )
        )


def _missed_rate(before: Snapshot | None, now: Snapshot) -> float:
    if before is None or now.monotonic_ns <= before.monotonic_ns:
        return math.nan
    # Less than before: somebody has set the counters back.
    missed = max(0, now.counts.missed - before.counts.missed)
    return missed * 1e9 / (now.monotonic_ns - before.monotonic_ns)
