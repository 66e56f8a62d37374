"""Polling, and the monitor itself."""

from __future__ import annotations

from msgspec import structs

from stem_device.device.attributes.spec import AttributeSpec, count, of_poll, seconds
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, iso_text, tango_text
from stem_device.model.poll import PollPhases

MAX_TARGETS = 1024
MAX_PHASES = 16
MAX_PROBLEMS = 64

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
    seconds(
        "pollDuration",
        "Poll duration",
        "How long the latest poll took, from the first question until all was counted and judged.",
        lambda polled: polled.snapshot.duration_seconds,
        "%.4f",
    ),
    AttributeSpec(
        name="phaseNames",
        dtype="DevString",
        label="Phases of a poll",
        unit="text",
        format="%s",
        doc="What the elements of phaseSeconds are: resolve (take up targets that were looked up), ask, "
        "parse, account (count and judge), record (wait for the disk), publish (attributes and events).",
        value=of_poll(lambda _: [name.removesuffix("_seconds") for name in PollPhases.__struct_fields__]),
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
    seconds(
        "pollSpread",
        "Poll spread",
        "Time between the first and the last question of the latest poll: how far from one moment the "
        "samples are.",
        lambda polled: polled.snapshot.spread_seconds,
        expert=True,
    ),
    count(
        "pollOverruns",
        "Poll overruns",
        "polls",
        "Polls that were left out because the one before took longer than the period, since the start.",
        lambda polled: polled.snapshot.overruns_total,
    ),
    count(
        "pollNumber",
        "Poll number",
        "polls",
        "Number of the latest poll, since the start.",
        lambda polled: polled.snapshot.poll,
        expert=True,
    ),
    seconds(
        "lastPollTime",
        "Last poll time",
        "When the latest poll began, in seconds since 1970-01-01 UTC.",
        lambda polled: polled.snapshot.time_utc_ns / 1e9,
        "%.3f",
    ),
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
