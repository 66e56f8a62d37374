"""Tango's attributes and properties, made from the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import tango
from tango.server import Device, attribute, device_property

from stem_device.device.attributes import ATTRIBUTES, AttributeSpec, Value, quality_of, reading
from stem_device.device.attributes.spec import Quality
from stem_device.device.view import View
from stem_device.model.options import OPTIONS
from stem_device.model.options.polling import POLL_PERIOD

_NOTHING: Mapping[str, Value] = MappingProxyType(
    {"DevULong64": 0, "DevLong64": 0, "DevDouble": 0.0, "DevString": "", "DevBoolean": False, "DevEnum": 0}
)


_QUALITIES: Mapping[Quality, tango.AttrQuality] = MappingProxyType(
    {
        "valid": tango.AttrQuality.ATTR_VALID,
        "warning": tango.AttrQuality.ATTR_WARNING,
        "alarm": tango.AttrQuality.ATTR_ALARM,
    }
)


class Reading(NamedTuple):
    """Value and quality of one attribute; an invalid one has a value that nobody gets to see."""

    value: Value
    quality: tango.AttrQuality


def readings(view: View | None) -> dict[str, Reading]:
    """What every attribute shows; all invalid without a view."""
    return {spec.name: _reading(spec, view) for spec in ATTRIBUTES}


def _reading(spec: AttributeSpec, view: View | None) -> Reading:
    value = reading(spec, view) if view else None
    if view is not None and value is not None:
        return Reading(value, _QUALITIES[quality_of(spec, view)])
    return Reading([] if spec.max_length else _NOTHING[spec.dtype], tango.AttrQuality.ATTR_INVALID)


def table_base(
    read: Callable[[Any, str], tuple[Value, float, tango.AttrQuality]],
    write: Callable[[Any, str, float], None],
) -> Any:
    """A Device class with all attributes and properties of the tables.

    Tango calls ``read(device, name)`` and ``write(device, name, value)`` with the device's monitor taken.
    """
    members: dict[str, Any] = {spec.name: _attribute(spec, read, write) for spec in ATTRIBUTES}
    for option in OPTIONS:
        # As lists of strings: a conversion by PyTango would end init_device with an exception that does not
        # name the property.
        members[option.name] = device_property(
            dtype=(str,),
            doc=f"[{option.kind.type_text}] {option.doc}",
            default_value=list(option.lines(option.default)),
        )
    metaclass: Any = type(Device)
    return metaclass("TableDevice", (Device,), members)


def _attribute(
    spec: AttributeSpec,
    read: Callable[[Any, str], tuple[Value, float, tango.AttrQuality]],
    write: Callable[[Any, str, float], None],
) -> Any:
    def fget(device: Any) -> tuple[Value, float, tango.AttrQuality]:
        return read(device, spec.name)

    def fset(device: Any, value: float) -> None:
        write(device, spec.name, value)

    more: dict[str, Any] = dict(spec.limits)
    if spec.format:
        more["format"] = spec.format
    if spec.labels:
        more["enum_labels"] = list(spec.labels)
    if spec.max_length:
        more["max_dim_x"] = spec.max_length
    if spec.writable:
        more |= {
            "fset": fset,
            "access": tango.AttrWriteType.READ_WRITE,
            "min_value": str(POLL_PERIOD.lowest),
            "max_value": str(POLL_PERIOD.highest),
        }
    return attribute(
        name=spec.name,
        fget=fget,
        dtype=(spec.dtype,) if spec.max_length else spec.dtype,
        label=spec.label,
        unit=spec.unit,
        doc=spec.doc,
        display_level=tango.DispLevel.EXPERT if spec.expert else tango.DispLevel.OPERATOR,
        **more,
    )
