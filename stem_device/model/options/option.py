"""One option, and groups of them: a field that knows its kind, its meaning, and what it is called where.

A field made with :func:`option` in a group is all that there is to an option: the Tango property, the
argument of the command line, the check of the value and the row of the reference are made from it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from itertools import chain
from typing import Any, TypeVar

from stem_device.errors import OptionError
from stem_device.model.options.kinds import Kind, SecretFile

T = TypeVar("T")

SECRET_WORDS = re.compile(r"(^|_)(password|passphrase|secret|token|credentials?|api_key)(_|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """What is known of one option: ``field`` in Python, ``flags`` on the command line."""

    field: str
    kind: Kind
    default: Any
    doc: str
    flags: tuple[str, ...]
    help: str

    @property
    def name(self) -> str:
        """Of the Tango property."""
        return property_name(self.field)

    def parse(self, lines: Sequence[str], *, name: str = "") -> Any:
        """The value that stands in ``lines``, checked; no line is the default.

        Raises OptionError under ``name``, which is what the user typed: the property, or a flag.
        """
        texts = [line.strip() for line in lines]
        if not texts:
            return self.default
        if self.kind.several:
            return self.check(tuple(text for text in texts if text), name=name)
        if len(texts) != 1:
            shown = [self.kind.shown(text) for text in texts]
            raise OptionError(name or self.name, shown, "must be one line")
        if not texts[0] and self.default is None:
            return None
        try:
            value = self.kind.parse(texts[0])
        except ValueError as error:
            raise OptionError(name or self.name, self.kind.shown(texts[0]), str(error)) from None
        return self.check(value, name=name)

    def check(self, value: Any, *, name: str = "") -> Any:
        """``value`` itself. Raises OptionError; None can be used where it is the default (not set)."""
        if value is None and self.default is None:
            return value
        try:
            self.kind.check(value)
        except ValueError as error:
            shown = self.kind.shown(value)
            raise OptionError(name or self.name, shown, str(error)) from None
        return value

    def lines(self, value: Any) -> tuple[str, ...]:
        """``value`` as the lines of the property."""
        if value is None:
            return ()
        return tuple(value) if self.kind.several else (self.kind.text(value),)


def option(default: T, kind: Kind, doc: str, *, flags: Sequence[str] | None = None, help_text: str = "") -> T:
    """A field of a group. ``doc`` is its row of the reference: whole sentences.

    The flag is ``--poll-period`` for ``poll_period``, unless ``flags`` say otherwise; ``()`` is none at all.
    --help shows ``help_text``, or ``doc``. A default of None means "not set", as does an empty line.
    """
    metadata = {"kind": kind, "doc": doc, "flags": flags, "help": help_text or doc}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class OptionGroup:
    """The options of one part of the program. Raises OptionError, naming the property, where it is made."""

    def __post_init__(self) -> None:
        for spec in specs_of(type(self)):
            spec.check(getattr(self, spec.field))


def specs_of(group: type[OptionGroup]) -> tuple[OptionSpec, ...]:
    """The options of a group in their order; of several groups joined in a class, group after group."""
    found: dict[str, OptionSpec] = {}
    inherited = [specs_of(base) for base in group.__bases__ if issubclass(base, OptionGroup)]
    own = [_spec(one) for one in fields(group) if one.name in inspect.get_annotations(group)]
    for spec in (*chain.from_iterable(inherited), *own):
        if spec.field in found:
            raise TypeError(f"two groups have an option {spec.field}")
        found[spec.field] = spec
    return tuple(found.values())


def _spec(one: Field[Any]) -> OptionSpec:
    kind, flags = one.metadata["kind"], one.metadata["flags"]
    if one.default is MISSING:
        raise TypeError(f"the option {one.name} has no default")
    if SECRET_WORDS.search(one.name) and not isinstance(kind, SecretFile):
        raise TypeError(f"{one.name} must be a SecretFile: a secret is never the value of an option")
    if flags is None:
        flags = (f"--{one.name.replace('_', '-')}",)
    return OptionSpec(
        field=one.name,
        kind=kind,
        default=one.default,
        doc=one.metadata["doc"],
        flags=tuple(flags),
        help=one.metadata["help"],
    )


def property_name(field_name: str) -> str:
    """``poll_period`` -> ``PollPeriod``."""
    return "".join(word.capitalize() for word in field_name.split("_"))
