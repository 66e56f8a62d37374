"""Short ways to write a quantity down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stem_device.catalogue.quantity import Kind, Quantity, Value
from stem_device.catalogue.scope import Scope

Reading = Callable[[Any], Value | None]


def quantity(  # noqa: PLR0917 - a table is read by column
    kind: Kind, scope: Scope, name: str, unit: str, meaning: str, value: Reading, **more: Any
) -> Quantity:
    """Describe one quantity."""
    return Quantity(name=name, kind=kind, unit=unit, meaning=meaning, scope=scope, value=value, **more)


def flag(value: bool | None) -> int | None:
    """1 or 0; None where a recording of an older format does not tell."""
    return None if value is None else int(value)
