"""Polling, and the monitor itself."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from stem_device.catalogue import QUANTITIES
from stem_device.catalogue.snapshot_json import iso_text
from stem_device.device.attributes.spec import (
    AttributeSpec,
    of_poll,
    told,
)
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.model.poll import PHASES
from stem_device.model.processes import OwnProcess

MAX_TARGETS = 1024
MAX_PHASES = 16
MAX_PROBLEMS = 64


def _own(
    name: str, dtype: str, label: str, form: str, value: Callable[[OwnProcess], float | None]
) -> AttributeSpec:
    """Describe what this process takes, in the words of the catalogue."""
    quantity = next(one for one in QUANTITIES if one.attribute == name)
    return AttributeSpec(
        name=name,
        dtype=dtype,
        label=label,
        unit=quantity.unit,
        format=form,
        doc=quantity.meaning,
        value=lambda view: value(view.own) if view.own and view.polled else None,
        expert=True,
    )


POLLING: tuple[AttributeSpec, ...] = (
    AttributeSpec(
        name="pollPeriod",
        dtype="DevDouble",
        label="Poll period",
        unit="s",
        format="%.3f",
        doc="Seconds between two polls, 0.01 to 86400. A value that is written holds until the next Init "
        "or start; "
        "the property PollPeriod is kept.",
        value=lambda view: view.poll_period_seconds,
        writable=True,
    ),
    told("pollDuration", "Poll duration", form="%.4f"),
    AttributeSpec(
        name="phaseNames",
        dtype="DevString",
        label="Phases of a poll",
        unit="text",
        format="%s",
        doc="What the elements of phaseSeconds are: resolve (take up targets that were looked up), ask, "
        "parse, account (count and judge), record (wait for the disk), publish (attributes and events).",
        value=of_poll(lambda _: list(PHASES)),
        max_length=MAX_PHASES,
        expert=True,
    ),
    AttributeSpec(
        name="phaseSeconds",
        dtype="DevDouble",
        label="Durations of the phases",
        unit="s",
        format="%.4f",
        doc="How long each phase of the latest poll took; record and publish, which come after it, those of "
        "the poll before; NaN where there was none.",
        value=of_poll(lambda polled: list(structs.astuple(polled.snapshot.phases))),
        max_length=MAX_PHASES,
        expert=True,
    ),
    told("pollSpread", "Poll spread", expert=True),
    told("pollOverruns", "Poll overruns"),
    told("pollNumber", "Poll number", expert=True),
    told("lastPollTime", "Last poll time", form="%.3f"),
    AttributeSpec(
        name="lastPollTimeText",
        dtype="DevString",
        label="Last poll time, readable",
        unit="UTC",
        format="%s",
        doc="When the latest poll began, ISO 8601.",
        value=of_poll(lambda polled: iso_text(polled.snapshot.time_utc_ns)),
    ),
    AttributeSpec(
        name="monitoringSince",
        dtype="DevString",
        label="Monitoring since",
        unit="UTC",
        format="%s",
        doc="When the totals began to count, ISO 8601: the start, Init, or the last ResetCounters.",
        value=of_poll(lambda polled: iso_text(polled.snapshot.monitoring_since_utc_ns)),
    ),
    AttributeSpec(
        name="targets",
        dtype="DevString",
        label="Targets",
        unit="text",
        format="%s",
        doc="What is to be monitored, as in TargetDevices with AddTarget and RemoveTarget applied; "
        f"{MAX_TARGETS} at most.",
        value=lambda view: [tango_text(target) for target in view.targets[:MAX_TARGETS]],
        max_length=MAX_TARGETS,
    ),
    AttributeSpec(
        name="problems",
        dtype="DevString",
        label="Problems",
        unit="text",
        format="%s",
        doc="What is wrong with targets as a whole: a wildcard without a match, a database that is down; "
        f"{MAX_PROBLEMS} at most.",
        value=of_poll(
            lambda polled: [
                tango_text(problem, MAX_SENTENCE_CHARACTERS)
                for problem in polled.snapshot.problems[:MAX_PROBLEMS]
            ]
        ),
        max_length=MAX_PROBLEMS,
    ),
    AttributeSpec(
        name="pollThreadRestarts",
        dtype="DevULong64",
        label="Poll thread restarts",
        unit="restarts",
        format="%d",
        doc="How often the poll thread failed and was restarted, since the start or Init.",
        value=lambda view: view.health.thread_restarts,
        expert=True,
    ),
    AttributeSpec(
        name="consumerErrors",
        dtype="DevULong64",
        label="Consumer errors",
        unit="errors",
        format="%d",
        doc="How often a poll could not be shown by this device, or the causes in it not be named, since the "
        "start or Init.",
        value=lambda view: view.health.consumer_errors,
        expert=True,
    ),
    AttributeSpec(
        name="eventPushErrors",
        dtype="DevULong64",
        label="Event push errors",
        unit="errors",
        format="%d",
        doc="How many events of this device Tango refused to push, since the start or Init.",
        value=lambda view: view.event_errors,
        expert=True,
    ),
    AttributeSpec(
        name="lastMonitorError",
        dtype="DevString",
        label="Last monitor error",
        unit="text",
        format="%s",
        doc="Last error inside the monitor itself (poll thread, this device, marks); empty if there was "
        "none.",
        value=lambda view: tango_text(view.health.last_error, MAX_SENTENCE_CHARACTERS),
        expert=True,
    ),
    _own("ownCpuTime", "DevDouble", "Processor time of the monitor", "%.2f", lambda own: own.cpu_seconds),
    _own("ownMemory", "DevULong64", "Memory of the monitor", "%d", lambda own: own.memory_bytes),
    _own(
        "ownGcPauseTime",
        "DevDouble",
        "Garbage collection of the monitor",
        "%.4f",
        lambda own: own.gc_pause_seconds,
    ),
    _own(
        "ownLongestGcPause",
        "DevDouble",
        "Longest garbage collection of the monitor",
        "%.4f",
        lambda own: own.longest_pause_seconds,
    ),
    AttributeSpec(
        name="latestSnapshot",
        dtype="DevString",
        label="Latest snapshot",
        unit="JSON",
        format="%s",
        doc="Summary of the latest poll as JSON, schema stem-device.latestSnapshot version 2, at most "
        "65536 bytes. "
        "QuerySnapshot gives all of it.",
        value=of_poll(lambda polled: polled.latest),
        expert=True,
    ),
)
