"""Values of options and arguments, converted without pydantic.

typer imports pydantic for that (a third of the CPU time of ``stem check``), even for options that are not
given. The options of ``stem`` are texts, numbers, paths and words of a list: a few lines. Where typer has no
use for what stands here (it looks at a private attribute), or a kind of value is not known here, it converts
as ever.
"""

from __future__ import annotations

import enum
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

_NUMBERS = {int: "whole number", float: "number"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: what it becomes, the least and the most it may be, whether there may be several."""

    of: type
    least: float | None = None
    most: float | None = None
    several: bool = False

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        """Called by typer. Raises typer.BadParameter."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            return [self._one(each) for each in value] if self.several else self._one(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None

    def _one(self, text: Any) -> Any:
        try:
            value = self.of(text)
        except ValueError:
            raise ValueError(f"{text!r} {self._expected}") from None
        if self.of is float and math.isinf(value):  # what is to wait for that long fails when it waits
            raise ValueError(f"{text!r} {self._expected}")
        if self.least is not None and not value >= self.least:  # also where it is no number at all
            raise ValueError(f"{text} is not in the range x>={self.least:g}.")
        if self.most is not None and value > self.most:
            raise ValueError(f"{text} is not in the range x<={self.most:g}.")
        return value

    @property
    def _expected(self) -> str:
        if issubclass(self.of, enum.StrEnum):
            return f"is not one of {', '.join(map(repr, map(str, self.of)))}."
        return f"is not a {_NUMBERS.get(self.of, self.of.__name__)}."


def kinds_of(function: Callable[..., Any]) -> dict[str, Kind]:
    """By name of the parameter; those that are not known here are left to typer."""
    hints = get_type_hints(function, include_extras=True)
    return {name: kind for name, hint in hints.items() if (kind := _kind(hint)) is not None}


def _kind(hint: Any) -> Kind | None:
    if get_origin(hint) is not Annotated:
        return None
    annotation, info = get_args(hint)[:2]
    if get_origin(annotation) in {types.UnionType, Union}:
        annotation = next(each for each in get_args(annotation) if each is not types.NoneType)
    several = get_origin(annotation) is list
    of = get_args(annotation)[0] if several else annotation
    plain = of in {str, int, float} or (of is Path and info.file_okay) or issubclass(of, enum.StrEnum)
    return Kind(of, info.min, info.max, several) if plain else None
