"""The options of the table (:mod:`stem_device.model.options`) as options of a subcommand.

Their values come as texts and are read as those of Tango properties are, so that both know the same values
and say the same of bad ones; an error names the flag.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from stem_device.model.options import OPTIONS, OptionSpec

Texts = Mapping[str, str | list[str] | bool | None]
"""By field: what was typed; None if nothing was."""

PARAMETER = "options"


def with_table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all options of the table that have a flag, in place of its parameter ``options``."""
    shown = {spec.field: spec for spec in OPTIONS if spec.flags}

    def run(**arguments: Any) -> None:
        texts = {field: arguments.pop(field) for field in shown}
        command(**arguments, **{PARAMETER: texts})

    signature = inspect.Signature(
        [
            each
            for one in inspect.signature(command, eval_str=True).parameters.values()
            for each in (map(_parameter, shown.values()) if one.name == PARAMETER else (one,))
        ]
    )
    # What typer and cli.values look at.
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    return run


def values_of(texts: Texts) -> dict[str, Any]:
    """By field: the values that were typed, for ``Options(**values)``. Raises OptionError by the flag."""
    specs = {spec.field: spec for spec in OPTIONS}
    return {
        field: _value(specs[field], typed)
        for field, typed in texts.items()
        if typed is not None and typed != []
    }


def _value(spec: OptionSpec, typed: str | list[str] | bool) -> Any:
    if isinstance(typed, bool):
        return typed
    return spec.parse([typed] if isinstance(typed, str) else typed, name=spec.flags[0])


def _parameter(spec: OptionSpec) -> inspect.Parameter:
    annotation: Any = str | None
    default: Any = next(iter(spec.lines(spec.default)), None)
    metavar: str | None = spec.kind.metavar
    if isinstance(spec.default, bool):
        annotation, default, metavar = bool, spec.default, None
    elif spec.kind.several:
        annotation, default = list[str] | None, None
    info = typer.Option(*spec.flags, metavar=metavar, help=spec.help)
    return inspect.Parameter(
        spec.field,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=default,
        annotation=Annotated[annotation, info],
    )
