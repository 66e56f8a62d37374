"""What a Telemetry object may be told beside its address."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stem_device.errors import TelemetryError

LEVEL_VARIABLES = ("STEM_TELEMETRY_LEVEL", "DRAGON_TELEMETRY_LEVEL")
URL_VARIABLE = "STEM_METRICS_URL"
DEFAULT_PORT = 4242
DEFAULT_LEVEL = 2
DEFAULT_TIMEOUT_SECONDS = 5.0
MAX_POINTS = 100_000
"""13 MB, and a second at the rate that one monitor takes."""

_OWN = {"max_points", "token_file", "ca_file"}
_THEIRS = {"aggregator_port", "collector_rate", "default_tmdb_window", "dump_dir", "auth_key"}
"""Of Dragon's settings; those that say nothing to a sender are taken and have no effect."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """``flush_seconds`` is how long a point waits at most while the monitor answers."""

    where: str
    timeout_seconds: float
    flush_seconds: float
    max_points: int
    more: Mapping[str, Any]


def settings_of(
    metrics_url: str | None, timeout: float | None, given: Mapping[str, Any] | None
) -> MetricsSettings:
    """Raises TelemetryError, naming what cannot be used."""
    told = dict(given or {})
    if unknown := sorted(map(str, told.keys() - _OWN - _THEIRS)):
        raise TelemetryError("telem_cfg", f"has {unknown}, and knows {sorted(_OWN | _THEIRS)}")
    port = _number(told, "aggregator_port", DEFAULT_PORT, 1, 65_535)
    where = metrics_url or os.environ.get(URL_VARIABLE) or f"http://localhost:{port:.0f}"
    if not isinstance(where, str):
        raise TelemetryError("metrics_url", f"must be a text, and is {type(where).__name__}")
    seconds = DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout
    return MetricsSettings(
        where=where,
        timeout_seconds=_number({"timeout": seconds}, "timeout", seconds, 0.01, 3600),
        flush_seconds=_number(told, "collector_rate", 0.5, 0.01, 3600),
        max_points=int(_number(told, "max_points", MAX_POINTS, 1, 100_000_000)),
        more=told,
    )


def first_level() -> int:
    """The level of the environment; that of ``start`` where it says nothing."""
    for name in LEVEL_VARIABLES:
        text = os.environ.get(name, "").strip()
        if text:
            try:
                return level_of(int(text))
            except ValueError:
                raise TelemetryError(name, f"must be a whole number, and is {text[:60]!r}") from None
    return DEFAULT_LEVEL


def level_of(level: object) -> int:
    """Raises TelemetryError."""
    if isinstance(level, bool) or not isinstance(level, int) or level < 0:
        raise TelemetryError("telemetry_level", f"must be a whole number from 0 on, and is {level!r:.60}")
    return level


def _number(told: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = told.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise TelemetryError(name, f"must be a number from {least:g} to {most:g}, and is {value!r:.60}")
    return value
