"""The recording format, version 1.3: tables and columns, as ``docs/reference/file-format.md`` has them."""

from __future__ import annotations

from stem_device.recording.format.beside import MARKS, METRICS, OUTLETS, TELEMETRY
from stem_device.recording.format.events import CHANNELS, NOT_CONNECTED, STREAMS, SUBSCRIPTIONS
from stem_device.recording.format.polls import NAMES, POLLS, ROW_TABLES, TABLES, TIMELINE, timeline_of
from stem_device.recording.format.samples import PUBLISHER_SAMPLES, SUBSCRIBER_SAMPLES
from stem_device.recording.format.servers import (
    DEPARTED,
    MAX_TEXT_CHARACTERS,
    PROBLEMS,
    SERVERS,
    TAPS,
    TEXT_BYTES,
    TEXTS,
)
from stem_device.recording.kinds import FIRST, Version, version_of

FORMAT_NAME = "stem-device recording"
FORMAT_VERSION = "1.3"
NEWEST: Version = version_of(FORMAT_VERSION) or FIRST

__all__ = [
    "CHANNELS",
    "DEPARTED",
    "FORMAT_NAME",
    "FORMAT_VERSION",
    "MARKS",
    "MAX_TEXT_CHARACTERS",
    "METRICS",
    "NAMES",
    "NEWEST",
    "NOT_CONNECTED",
    "OUTLETS",
    "POLLS",
    "PROBLEMS",
    "PUBLISHER_SAMPLES",
    "ROW_TABLES",
    "SERVERS",
    "STREAMS",
    "SUBSCRIBER_SAMPLES",
    "SUBSCRIPTIONS",
    "TABLES",
    "TAPS",
    "TELEMETRY",
    "TEXTS",
    "TEXT_BYTES",
    "TIMELINE",
    "timeline_of",
]
