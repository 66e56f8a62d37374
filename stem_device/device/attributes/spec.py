"""What is said of each attribute, and short ways to say it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from stem_device.analysis.verdict import Verdict, Why
from stem_device.catalogue import QUANTITIES, Kind
from stem_device.catalogue.scope import ServerRow, Told
from stem_device.device.digest import MAX_SERVERS, MAX_WORST, Worst
from stem_device.device.view import Polled, View
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord

MAX_COUNT = 2**64 - 1
"""The greatest DevULong64; a count beyond it is shown as this."""

Quality = Literal["valid", "warning", "alarm"]
"""Of a value that is known, in Tango's words."""

Value = int | float | str | bool | list[int] | list[float] | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSpec:
    """One attribute.

    ``dtype`` is the Tango name of the element type, ``max_length`` is 0 for a scalar; ``limits`` are alarm
    limits in the names of Tango's attribute configuration. ``value`` gives None where there is none yet, or
    none is known (quality ATTR_INVALID). ``quality`` says whether the verdict rests on the value. ``labels``
    are those of a DevEnum.
    """

    name: str
    dtype: str
    label: str
    unit: str
    doc: str
    value: Callable[[View], Value | None]
    format: str = ""
    max_length: int = 0
    expert: bool = False
    writable: bool = False
    limits: dict[str, str] = field(default_factory=dict)
    quality: Callable[[Verdict], Quality] | None = None
    labels: tuple[str, ...] = ()


def reading(spec: AttributeSpec, view: View) -> Value | None:
    """The value to show; None (quality ATTR_INVALID) without one, and for a quantile of no samples."""
    value = spec.value(view)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or spec.dtype != "DevULong64" else _fitting(value)


def _fitting(value: Any) -> int | list[int]:
    """Counts come from foreign replies: the sum of two absurd ones must not be what Tango cannot carry."""
    return [min(one, MAX_COUNT) for one in value] if isinstance(value, list) else min(value, MAX_COUNT)


def quality_of(spec: AttributeSpec, view: View) -> Quality:
    """Beyond valid only while State is ALARM: Tango makes ALARM of State whenever a quality is."""
    if spec.quality is None or view.polled is None:
        return "valid"
    return spec.quality(view.polled.verdict)


def waits_for(*reasons: Why, followed: bool | None = None) -> Callable[[Verdict], Quality]:
    """A warning while one of these is what the verdict waits for."""

    def quality(verdict: Verdict) -> Quality:
        found = any(
            ground.why in reasons and followed in {None, ground.followed} for ground in verdict.waiting
        )
        return "warning" if found else "valid"

    return quality


def of_poll(function: Callable[[Polled], Value | None]) -> Callable[[View], Value | None]:
    """A value that needs a poll."""
    return lambda view: function(view.polled) if view.polled else None


def count(
    name: str, label: str, unit: str, doc: str, value: Callable[[Polled], Value | None], **more: Any
) -> AttributeSpec:
    """Describe a count that never is negative."""
    return AttributeSpec(
        name=name,
        dtype="DevULong64",
        label=label,
        unit=unit,
        doc=doc,
        value=of_poll(value),
        format="%d",
        **more,
    )


def told(name: str, label: str, *, form: str = "%.6f", **more: Any) -> AttributeSpec:
    """Describe a number of the catalogue, which has its unit, meaning and value; ``form`` is of a float."""
    quantity = _BY_ATTRIBUTE[name]
    doc = quantity.meaning
    if quantity.kind is Kind.COUNTER and quantity.name not in _SINCE_START:
        doc += " Since monitoringSince."

    def value(polled: Polled) -> Any:
        found = quantity.value(Told(polled.snapshot))
        return math.nan if found is None else found

    if quantity.unit in _FLOAT_UNITS:
        return AttributeSpec(
            name=name,
            dtype="DevDouble",
            label=label,
            unit=quantity.unit,
            doc=doc,
            value=of_poll(value),
            format=form,
            **more,
        )
    return count(name, label, quantity.unit, doc, value, **more)


def told_by_server(name: str, label: str) -> AttributeSpec:
    """Describe a count of the catalogue, as a spectrum with one value a server."""
    quantity = _BY_ATTRIBUTE[name]

    def values(polled: Polled) -> Any:
        scope = Told(polled.snapshot)
        return [
            quantity.value(ServerRow(scope, number, server, 0))
            for number, server in enumerate(polled.digest.servers)
        ]

    return spectrum(
        name,
        label,
        quantity.unit,
        f"{quantity.meaning} {_BY_SERVER}",
        of_poll(values),
        max_length=MAX_SERVERS,
    )


_BY_ATTRIBUTE = {quantity.attribute: quantity for quantity in QUANTITIES if quantity.attribute}
_FLOAT_UNITS = {"s", "ratio", "events/s"}
_SINCE_START = {"polls", "poll_overruns"}
_BY_SERVER = "One value a server, in the order of serverNames."


def by_server(
    name: str, label: str, unit: str, doc: str, value: Callable[[ServerRecord], Any], **more: Any
) -> AttributeSpec:
    """Describe a spectrum with one value a server."""
    return spectrum(
        name,
        label,
        unit,
        f"{doc} {_BY_SERVER}",
        of_poll(lambda polled: [value(server) for server in polled.digest.servers]),
        max_length=MAX_SERVERS,
        **more,
    )


def by_worst(
    name: str, label: str, unit: str, doc: str, value: Callable[[Worst], Any], **more: Any
) -> AttributeSpec:
    """Describe a spectrum with one value for each of the worst subscriptions."""
    return spectrum(
        name,
        label,
        unit,
        doc,
        of_poll(lambda polled: [value(worst) for worst in polled.digest.worst]),
        max_length=MAX_WORST,
        **more,
    )


def spectrum(
    name: str,
    label: str,
    unit: str,
    doc: str,
    values: Callable[[View], Any],
    *,
    max_length: int,
    dtype: str = "DevULong64",
    form: str = "%d",
    expert: bool = False,
) -> AttributeSpec:
    """Describe a spectrum of at most ``max_length`` values."""
    return AttributeSpec(
        name=name,
        dtype=dtype,
        label=label,
        unit=unit,
        doc=doc,
        value=values,
        format="%s" if dtype == "DevString" else form,
        max_length=max_length,
        expert=expert,
    )


def state_count(
    name: str,
    label: str,
    doc: str,
    state: ServerState,
    quality: Callable[[Verdict], Quality] | None = None,
) -> AttributeSpec:
    """Count how many servers are in one state."""
    return count(
        name, label, "servers", doc, lambda polled: polled.digest.states.get(state, 0), quality=quality
    )
