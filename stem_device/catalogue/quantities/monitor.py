"""The monitor itself: its polls, its recording, its outlets."""

from __future__ import annotations

from functools import partial
from typing import Any

from stem_device.catalogue.quantities.making import Reading, quantity
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import Scope, Told

_counter = partial(quantity, Kind.COUNTER, Scope.MONITOR)
_gauge = partial(quantity, Kind.GAUGE, Scope.MONITOR)
_of_outlet = partial(quantity, Kind.COUNTER, Scope.OUTLET)


def _state(field: str) -> Reading:
    """What no Snapshot has; None without it."""

    def value(told: Told) -> Any:
        if told.monitor is None:
            return None
        number = getattr(told.monitor, field)
        return int(number) if isinstance(number, bool) else number

    return value


MONITOR: tuple[Quantity, ...] = (
    quantity(Kind.INFO, Scope.BUILD, "build", "text", "Versions of stem-device and Python.", lambda _: 1),
    _counter(
        "polls",
        "polls",
        "Number of the latest poll, since the start.",
        lambda told: told.snapshot.poll,
        attribute="pollNumber",
        json="poll",
    ),
    _gauge(
        "last_poll_timestamp_seconds",
        "s",
        "When the latest poll began, in seconds since 1970-01-01 UTC.",
        lambda told: told.snapshot.time_utc_ns / 1e9,
        attribute="lastPollTime",
    ),
    _gauge(
        "monitoring_since_timestamp_seconds",
        "s",
        "When the totals began to count, in seconds since 1970-01-01 UTC: the start, Init, or the last "
        "ResetCounters.",
        lambda told: told.snapshot.monitoring_since_utc_ns / 1e9,
    ),
    _gauge(
        "poll_period_seconds",
        "s",
        "Time between two polls.",
        _state("poll_period_seconds"),
        attribute="pollPeriod",
    ),
    _gauge(
        "poll_duration_seconds",
        "s",
        "How long the latest poll took, from the first question until all was counted and judged.",
        lambda told: told.snapshot.duration_seconds,
        attribute="pollDuration",
        json="durationSeconds",
    ),
    _gauge(
        "poll_spread_seconds",
        "s",
        "Time between the first and the last question of the latest poll: how far from one moment the "
        "samples are.",
        lambda told: told.snapshot.spread_seconds,
        attribute="pollSpread",
        json="spreadSeconds",
    ),
    quantity(
        Kind.GAUGE,
        Scope.PHASE,
        "poll_phase_seconds",
        "s",
        "How long each phase of the latest poll took (record and publish: of the poll before).",
        lambda seconds: seconds,
    ),
    _counter(
        "poll_overruns",
        "polls",
        "Polls that were left out because the one before took longer than the period, since the start.",
        lambda told: told.snapshot.overruns_total,
        attribute="pollOverruns",
        json="overruns",
    ),
    _gauge(
        "problems",
        "problems",
        "What is wrong with targets as a whole: wildcards without a match, databases that are down.",
        lambda told: len(told.snapshot.problems),
    ),
    _gauge("targets", "targets", "Lines of TargetDevices.", _state("targets")),
    _gauge(
        "performance_monitoring",
        "boolean",
        "1 while event timing is to be sampled on the targets, else 0.",
        _state("sampling_wanted"),
        attribute="performanceMonitoring",
    ),
    _gauge(
        "recording",
        "boolean",
        "1 while a recording is running, else 0.",
        _state("recording_active"),
        attribute="recording",
    ),
    _gauge(
        "recording_failed",
        "boolean",
        "1 while recordingError says that a recording failed or lacks polls, else 0.",
        _state("recording_failed"),
    ),
    _gauge(
        "recorded_polls",
        "polls",
        "Polls in the files of the recording that is running, or of the last one.",
        _state("recorded_polls"),
        attribute="recordedPolls",
    ),
    _gauge(
        "recorded_marks",
        "marks",
        "Marks of runs in the recording that is running, or in the last one.",
        _state("recorded_marks"),
        attribute="recordedMarks",
    ),
    quantity(
        Kind.GAUGE,
        Scope.MARK,
        "mark_timestamp_seconds",
        "s",
        "When a run of a test passed a mark last, in seconds since 1970-01-01 UTC; of the 20 latest marks.",
        lambda mark: mark.emitted_utc_ns / 1e9,
    ),
    _gauge(
        "recorded_bytes",
        "bytes",
        "Size of the recording that is running, or of the last one.",
        _state("recorded_bytes"),
        attribute="recordedBytes",
    ),
    _counter(
        "unrecorded_marks",
        "marks",
        "Marks of runs that came while nothing was recorded or could not be written.",
        _state("unrecorded_marks"),
        attribute="unrecordedMarks",
    ),
    _counter(
        "poll_thread_restarts",
        "restarts",
        "How often the poll thread failed and was restarted.",
        _state("thread_restarts"),
        attribute="pollThreadRestarts",
    ),
    _counter(
        "consumer_errors",
        "errors",
        "How often a poll could not be shown by the device, or the causes in it not be named.",
        _state("consumer_errors"),
        attribute="consumerErrors",
    ),
    _gauge(
        "clients",
        "clients",
        "Clients that are no device servers and report to this monitor, or did so lately.",
        _state("clients"),
        attribute="clientCount",
    ),
    _counter(
        "client_reports_refused",
        "reports",
        "Reports of clients that were not taken: they could not be used, or were too many.",
        _state("client_reports_refused"),
        attribute="refusedClientReports",
    ),
    _counter(
        "metric_points",
        "points",
        "Points of users' metrics that were taken.",
        _state("metric_points"),
        attribute="metricPoints",
    ),
    _counter(
        "metric_points_rejected",
        "points",
        "Points of users' metrics that were rejected: for their name, the number of series, or the rate.",
        _state("metric_points_rejected"),
        attribute="metricPointsRejected",
    ),
    _gauge(
        "metric_series",
        "series",
        "Series of users' metrics that are known: those with a point within the last hour, and some before.",
        _state("metric_series"),
        attribute="metricSeries",
    ),
    _of_outlet(
        "outlet_sent",
        "items",
        "Polls or marks that an outlet has passed on; of a recording since it began.",
        lambda outlet: outlet.sent,
        attribute="outletSent",
    ),
    _of_outlet(
        "outlet_dropped",
        "items",
        "Polls or marks for which the queue of an outlet had no room.",
        lambda outlet: outlet.dropped,
        attribute="outletDropped",
    ),
    _of_outlet(
        "outlet_failed",
        "items",
        "Polls or marks that raised an error in what is behind an outlet.",
        lambda outlet: outlet.failed,
        attribute="outletFailed",
    ),
    quantity(
        Kind.GAUGE,
        Scope.OUTLET,
        "outlet_waiting",
        "items",
        "Polls or marks in the queue of an outlet, with the one that is being passed on, and on its disk.",
        lambda outlet: outlet.waiting,
        attribute="outletWaiting",
    ),
)
