"""Points as the JSON that an EventMonitor takes, and its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from stem_device.telemetry.metrics.buffer import Point
from stem_device.telemetry.metrics.points import Labels

MAX_BATCH_BYTES = 2_000_000
"""Half of what a monitor's port takes in one request."""


def encoded(points: Sequence[Point]) -> bytes:
    """A JSON array with an object for each series: metric, tags, timestamps (ns) and values."""
    series: dict[tuple[str, Labels], tuple[list[int], list[float]]] = {}
    for one, time_ns, value in points:
        times, values = series.setdefault(one, ([], []))
        times.append(time_ns)
        values.append(value)
    elements = [
        {"metric": name, "tags": dict(labels), "timestamps": times, "values": values}
        for (name, labels), (times, values) in series.items()
    ]
    return json.dumps(elements, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch: ``taken`` points, ``rejected`` ones, and why (of one of them)."""

    taken: int
    rejected: int
    reason: str = ""


def parse_answer(text: bytes | str, points: int) -> Answer:
    """The monitor's answer to a batch of so many points. Raises ValueError for what is no such answer."""
    told = json.loads(text)
    taken, rejected = told["success"], told["failed"]
    if not isinstance(taken, int) or not isinstance(rejected, int) or taken + rejected != points:
        raise ValueError(f"it tells of {taken!r} + {rejected!r} points, and {points} were sent")
    errors = told.get("errors") or [{}]
    return Answer(taken, rejected, str(errors[0].get("error", ""))[:500])
