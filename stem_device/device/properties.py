"""The device properties: one table, from which Tango declares them and Options are built.

All of them are declared to Tango as lists of strings and converted here, because a conversion by PyTango
would end ``init_device`` with an exception that does not name the property.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stem_device.errors import OptionError
from stem_device.model.options import Options

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertySpec:
    """One property. ``default`` is text as it would stand in the database; ``type_text`` is for readers."""

    name: str
    type_text: str
    default: tuple[str, ...]
    doc: str
    convert: Callable[[str, Sequence[str]], object]


def parse_properties(raw: Mapping[str, Sequence[str] | None]) -> Options:
    """Options from the lines of the database; a property that is None or [] has its default.

    Raises OptionError that names the property, also for one that does not exist.
    """
    known = {spec.name: spec for spec in PROPERTIES}
    converted: dict[str, Any] = {}
    for name, lines in raw.items():
        if name not in known:
            raise OptionError(name, lines, f"unknown property; known are {', '.join(known)}")
        if lines:
            converted[name] = known[name].convert(name, lines)
    return Options.from_properties(converted)


def _single(name: str, lines: Sequence[str]) -> str:
    if len(lines) != 1:
        raise OptionError(name, list(lines), "must be one line")
    return lines[0].strip()


def _texts(name: str, lines: Sequence[str]) -> tuple[str, ...]:
    del name
    return tuple(line.strip() for line in lines if line.strip())


def _number(name: str, lines: Sequence[str], wanted: str) -> float:
    text = _single(name, lines)
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(name, text, wanted) from error


def _seconds(name: str, lines: Sequence[str]) -> float:
    return _number(name, lines, "must be a number of seconds, as 10 or 0.5")


def _share(name: str, lines: Sequence[str]) -> float:
    return _number(name, lines, "must be a share of the time, as 0.01")


def _count(name: str, lines: Sequence[str]) -> int:
    text = _single(name, lines)
    try:
        return int(text)
    except ValueError as error:
        raise OptionError(name, text, "must be a whole number, as 5") from error


def _flag(name: str, lines: Sequence[str]) -> bool:
    word = _single(name, lines).lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise OptionError(name, word, "must be true or false")
    return word in TRUE_WORDS


def _directory(name: str, lines: Sequence[str]) -> Path:
    text = _single(name, lines)
    if not text:
        raise OptionError(name, text, "must be the path of a directory")
    return Path(text)


_DEFAULTS = Options()

PROPERTIES: tuple[PropertySpec, ...] = (
    PropertySpec(
        name="TargetDevices",
        type_text="strings",
        default=(),
        convert=_texts,
        doc="What to monitor, one a line: devices or admin devices (dserver/server/instance), with * as "
        "wildcard against the database, or full names with tango://host:port/. Changed by AddTarget, "
        "RemoveTarget.",
    ),
    PropertySpec(
        name="PollPeriod",
        type_text="double, s",
        default=(f"{_DEFAULTS.poll_period:g}",),
        convert=_seconds,
        doc="Seconds between two polls, 0.01 to 86400. The attribute pollPeriod changes it until the next "
        "Init.",
    ),
    PropertySpec(
        name="MonitorPerformance",
        type_text="boolean",
        default=("false",),
        convert=_flag,
        doc="Whether to sample event timing on the targets all the time, not only while recording.",
    ),
    PropertySpec(
        name="RecordingDirectory",
        type_text="string",
        default=(".",),
        convert=_directory,
        doc="The only directory that recordings are written to; it has to exist when a recording starts.",
    ),
    PropertySpec(
        name="RecordOnStart",
        type_text="boolean",
        default=("false",),
        convert=_flag,
        doc="Whether to start a recording when the device starts.",
    ),
    PropertySpec(
        name="MaxRecordingBytes",
        type_text="long, bytes",
        default=(str(_DEFAULTS.max_recording_bytes),),
        convert=_count,
        doc="Size at which a recording goes on in the next file; 0 for no limit, otherwise at least 3000000.",
    ),
    PropertySpec(
        name="KeepRecordings",
        type_text="long",
        default=(str(_DEFAULTS.keep_recordings),),
        convert=_count,
        doc="How many recordings to keep: the oldest of this device are removed, no others; 0 keeps all.",
    ),
    PropertySpec(
        name="TargetTimeout",
        type_text="double, s",
        default=(f"{_DEFAULTS.target_timeout:g}",),
        convert=_seconds,
        doc="Seconds that each target has to answer, 0.01 to 3600.",
    ),
    PropertySpec(
        name="ResolvePeriod",
        type_text="double, s",
        default=(f"{_DEFAULTS.resolve_period:g}",),
        convert=_seconds,
        doc="Seconds after which wildcards are looked up in the database again, so that new servers join.",
    ),
    PropertySpec(
        name="QueriesPerPoll",
        type_text="long",
        default=(str(_DEFAULTS.queries_per_poll),),
        convert=_count,
        doc="How often a target may be asked within one poll period while it is sampled, at least 1: "
        "its buffers hold 256 samples.",
    ),
    PropertySpec(
        name="MaxQueryShare",
        type_text="double",
        default=(f"{_DEFAULTS.max_query_share:g}",),
        convert=_share,
        doc="Share of the time that a server may spend on its answers, from 0.0001 to 1 (no limit). One "
        "whose answers take longer is asked less often, at least once a minute.",
    ),
    PropertySpec(
        name="AlarmHoldTime",
        type_text="double, s",
        default=(f"{_DEFAULTS.alarm_hold_time:g}",),
        convert=_seconds,
        doc="Seconds for which State stays ALARM after events were missed or unaccounted.",
    ),
    PropertySpec(
        name="OverdueAlarmPolls",
        type_text="long",
        default=(str(_DEFAULTS.overdue_alarm_polls),),
        convert=_count,
        doc="Polls in a row after which overdue events of a subscription make State ALARM, at least 1.",
    ),
    PropertySpec(
        name="UnreachableAlarmPolls",
        type_text="long",
        default=(str(_DEFAULTS.unreachable_alarm_polls),),
        convert=_count,
        doc="Polls in a row after which a server that does not answer, or a subscription that is not "
        "connected, makes State ALARM, at least 1. A silent server has 15 s besides; a publisher that "
        "refuses connections and has monitored subscribers has no such patience.",
    ),
    PropertySpec(
        name="FollowPublishers",
        type_text="boolean",
        default=("true",),
        convert=_flag,
        doc="Whether to ask the publishers of monitored subscriptions too, if they are no targets; without "
        "them the overdue events of these subscriptions are not known.",
    ),
)
