"""All options of a monitor: one frozen object, validated once, whoever made it.

The device builds it from its properties, the command line from its arguments.
Names are those of the Tango properties, so that an error names what the reader typed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stem_device.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Validated options; raises OptionError naming the property.

    Seconds are floats > 0, bytes and counts are whole numbers; 0 means "no limit" for
    ``MaxRecordingBytes`` and ``KeepRecordings``.
    """

    target_devices: tuple[str, ...] = ()
    poll_period: float = 10.0
    monitor_performance: bool = False
    recording_directory: Path = Path()
    record_on_start: bool = False
    max_recording_bytes: int = 1_000_000_000
    keep_recordings: int = 0
    target_timeout: float = 3.0
    resolve_period: float = 60.0
    queries_per_poll: int = 10
    max_query_share: float = 0.01
    alarm_hold_time: float = 300.0
    overdue_alarm_polls: int = 2
    unreachable_alarm_polls: int = 2
    follow_publishers: bool = True

    def __post_init__(self) -> None:
        _check_seconds("PollPeriod", self.poll_period, 0.01, 86_400.0)
        _check_seconds("TargetTimeout", self.target_timeout, 0.01, 3_600.0)
        _check_seconds("ResolvePeriod", self.resolve_period, 0.1, 86_400.0)
        _check_seconds("AlarmHoldTime", self.alarm_hold_time, 0.0, 31_536_000.0)
        _check_count("MaxRecordingBytes", self.max_recording_bytes, 0)
        _check_count("KeepRecordings", self.keep_recordings, 0)
        _check_count("QueriesPerPoll", self.queries_per_poll, 1)
        _check_share("MaxQueryShare", self.max_query_share)
        _check_count("OverdueAlarmPolls", self.overdue_alarm_polls, 1)
        _check_count("UnreachableAlarmPolls", self.unreachable_alarm_polls, 1)
        if 0 < self.max_recording_bytes < 3_000_000:
            raise OptionError(
                "MaxRecordingBytes", self.max_recording_bytes, "must be 0 (no limit) or at least 3000000"
            )
        for target in self.target_devices:
            if not target.strip():
                raise OptionError("TargetDevices", target, "a target must not be empty")

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> Options:
        """Build from Tango property names (``PollPeriod``); unknown names are refused."""
        by_property = {property_name(field.name): field.name for field in fields(cls)}
        arguments: dict[str, Any] = {}
        for name, value in properties.items():
            if name not in by_property:
                raise OptionError(name, value, f"unknown property; known are {', '.join(by_property)}")
            arguments[by_property[name]] = value
        return cls(**arguments)


def property_name(field: str) -> str:
    """``poll_period`` -> ``PollPeriod``."""
    return "".join(word.capitalize() for word in field.split("_"))


def _check_seconds(option: str, value: float, lowest: float, highest: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OptionError(option, value, "must be a finite number of seconds")
    if not lowest <= value <= highest:
        raise OptionError(option, value, f"must be between {lowest} and {highest} seconds")


def _check_share(option: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0001 <= value <= 1.0:
        raise OptionError(option, value, "must be a share of the time, from 0.0001 to 1 (no limit)")


def _check_count(option: str, value: int, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(option, value, "must be a whole number")
    if value < lowest:
        raise OptionError(option, value, f"must be at least {lowest}")
