"""Answers, errors and what there is, in the JSON that OpenTSDB 2.4 has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.downsampling import Fill
from stem_device.opentsdb.engine import NS, Answer, Result
from stem_device.opentsdb.series import Annotation

_EXACT = float(2**53)


def answer_json(answer: Answer) -> bytes:
    """The array of results; an empty one if nothing was found."""
    annotations = [_annotation(one) for one in answer.annotations]
    return msgspec.json.encode([_result(answer, one, annotations) for one in answer.results])


def error_json(error: TsdbQueryError) -> bytes:
    """As OpenTSDB says that a request cannot be answered."""
    told = {"code": error.status, "message": error.message, "details": error.details or error.message}
    return msgspec.json.encode({"error": told})


def _result(answer: Answer, result: Result, annotations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    request = answer.request
    told: dict[str, Any] = {
        "metric": result.query.metric,
        "tags": dict(result.tags),
        "aggregateTags": list(result.aggregate_tags),
    }
    if request.show_query:
        told["query"] = result.query.shown
    # A mark is of the whole run and so of every series: who asks for those of a series finds them, too.
    if request.annotations and annotations:
        told["annotations"] = annotations
    if request.global_annotations:
        told["globalAnnotations"] = annotations
    told["dps"] = _points(result, milliseconds=request.milliseconds, arrays=request.arrays)
    return told


def _points(result: Result, *, milliseconds: bool, arrays: bool) -> Any:
    times = (result.times_ms if milliseconds else result.times_ms // 1000).tolist()
    downsampling = result.query.downsampling
    nothing = None if downsampling is not None and downsampling.fill is Fill.NULL else "NaN"
    values = [_value(value, nothing) for value in result.values.tolist()]
    if arrays:
        return list(zip(times, values, strict=True))
    return dict(zip(map(str, times), values, strict=True))


def _value(value: float, nothing: str | None) -> float | int | str | None:
    """Whole numbers as such; ``nothing`` for what no JSON number can tell."""
    if value - value != 0:  # NaN and infinite
        return nothing
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


def _annotation(one: Annotation) -> dict[str, Any]:
    return {
        "description": one.description,
        "notes": "",
        "custom": dict(one.custom),
        "startTime": one.time_ns // (1000 * NS),
        "endTime": 0,
    }
