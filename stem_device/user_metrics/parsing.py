"""The JSON of a batch: what our own sender, Dragon's, and OpenTSDB's put say.

A batch is a JSON array of elements, one element, or ``{"timestamp": s, "dps": [elements]}``. An element is
one point (``metric``, ``value``, ``timestamp``, ``tags``), or has many points of one series (``values`` and
``timestamps``).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from stem_device.errors import MetricError

Number = int | float
MAX_JSON_BYTES = 4_194_304
"""As the HTTP port has it."""


class Element(Struct):
    """One point, or the points of one series; ``timestamp`` is for points without one of their own."""

    metric: str
    value: Number | None = None
    timestamp: Number | None = None
    tags: dict[str, str | int | float | bool] | None = None
    values: list[Number] | None = None
    timestamps: list[Number] | None = None

    @property
    def points(self) -> int:
        return 1 if self.values is None else len(self.values)


class BadElement(Struct):
    """What is no element, and why."""

    metric: str
    error: str


class _Dps(Struct):
    dps: list[Element]
    timestamp: Number | None = None


class _DpsOfAny(Struct):
    dps: list[Any]
    timestamp: Number | None = None


def parse_batch(text: bytes | str) -> list[Element | BadElement]:
    """The elements of a batch; those that are none say why. Raises MetricError for what is no batch."""
    if len(text) > MAX_JSON_BYTES:
        raise MetricError(f"a batch has at most {MAX_JSON_BYTES} bytes, and this one has {len(text)}")
    opening = text.lstrip()[:1]
    try:
        if opening in (b"[", "["):
            return _array(text)
        return _object(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MetricError(f"it is no JSON array of points: {error}") from error


def _array(text: bytes | str) -> list[Element | BadElement]:
    try:
        return list(msgspec.json.decode(text, type=list[Element], strict=False))
    except msgspec.ValidationError:
        return _one_by_one(msgspec.json.decode(text, type=list[Any]))


def _object(text: bytes | str) -> list[Element | BadElement]:
    try:
        told = msgspec.json.decode(text, type=_Dps, strict=False)
        elements: list[Element | BadElement] = list(told.dps)
        moment = told.timestamp
    except msgspec.ValidationError:
        found = msgspec.json.decode(text)
        if not isinstance(found, dict) or "dps" not in found:
            return _one_by_one([found])
        several = msgspec.convert(found, _DpsOfAny, strict=False)
        elements, moment = _one_by_one(several.dps), several.timestamp
    for one in elements:
        if isinstance(one, Element) and one.timestamp is None:
            one.timestamp = moment
    return elements


def _one_by_one(found: list[Any]) -> list[Element | BadElement]:
    made: list[Element | BadElement] = []
    for one in found:
        try:
            made.append(msgspec.convert(one, Element, strict=False))
        except msgspec.ValidationError as error:
            name = one.get("metric") if isinstance(one, dict) else None
            made.append(BadElement(str(name)[:200] if name is not None else "", str(error)))
    return made
