"""Whether the monitor itself does its work."""

from __future__ import annotations

from functools import partial
from typing import Any

from stem_device.grafana.colours import LOST, UNKNOWN, WAITING
from stem_device.grafana.contents.making import lines, one
from stem_device.grafana.dashboard import Dashboard, Row
from stem_device.grafana.panel import Form, Panel
from stem_device.grafana.query import How, Query

flag = partial(Panel, form=Form.NUMBER, width=3, height=4)
_OUTLET: dict[str, Any] = {"by": ("outlet",)}
RECORDING = Dashboard(
    name="recording",
    title="Tango events: recording and monitor",
    about="Whether the monitor itself does its work: polls, the recording, what its polls are passed on to.",
    variables=(),
    rows=(
        Row(
            "Recording",
            (
                flag(title="Recording", queries=one("recording", combine="max")),
                flag(title="Failed", queries=one("recording_failed", combine="max"), bad=LOST),
                flag(title="Polls in it", queries=one("recorded_polls")),
                flag(title="Marks in it", queries=one("recorded_marks")),
                flag(title="Marks that are not", queries=one("unrecorded_marks"), bad=WAITING),
                flag(title="Size", queries=one("recorded_bytes")),
                flag(title="Problems with targets", queries=one("problems"), bad=UNKNOWN),
                flag(title="Restarts of its thread", queries=one("poll_thread_restarts"), bad=WAITING),
                lines("Size", "recorded_bytes", {"legend": "size"}, width=12),
                lines("Polls in it", "recorded_polls", {"legend": "polls"}, width=12),
            ),
        ),
        Row(
            "Polls",
            (
                lines("Phases of a poll", "poll_phase_seconds", {"by": ("phase",)}, combine="max"),
                Panel(
                    title="Duration",
                    form=Form.LINES,
                    width=8,
                    height=7,
                    queries=(
                        Query(name="poll_period_seconds", combine="max", legend="period"),
                        Query(name="poll_duration_seconds", combine="max", legend="duration"),
                        Query(name="poll_spread_seconds", combine="max", legend="first to last question"),
                    ),
                ),
                lines("Polls left out", "poll_overruns", {"legend": "polls left out"}, bad=WAITING),
                lines(
                    "Since the latest poll",
                    "last_poll_timestamp_seconds",
                    {"legend": "since the poll"},
                    how=How.AGE,
                    combine="max",
                ),
                lines("Servers asked", "servers", {"legend": "servers"}),
                lines("Servers on which sampling is on", "servers_sampled", {"legend": "servers"}),
            ),
        ),
        Row(
            "Outlets",
            (
                lines("Passed on", "outlet_sent", _OUTLET, how=How.RATE),
                lines("Waiting", "outlet_waiting", _OUTLET),
                lines("Dropped", "outlet_dropped", _OUTLET, bad=WAITING),
                lines("Failed", "outlet_failed", _OUTLET, bad=WAITING),
                lines("Errors of consumers", "consumer_errors", {"legend": "errors"}, bad=WAITING),
            ),
        ),
    ),
)
