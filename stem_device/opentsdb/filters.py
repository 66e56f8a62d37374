"""Which series a query means: conditions on the value of one tag."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stem_device.errors import MissingExtraError, TsdbQueryError
from stem_device.opentsdb.series import Tags

if TYPE_CHECKING:
    from collections.abc import Mapping

Matches = Callable[[str], bool]

_MEMORY_BYTES = 1 << 20
_WRITTEN = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """A series passes if it has the tag ``key`` and its value ``matches``; ``matches`` None: if it has not.

    ``group``: series with different values are answered apart.
    """

    key: str
    matches: Matches | None
    group: bool = False

    def __call__(self, tags: Tags) -> bool:
        value = tags.get(self.key)
        if self.matches is None:
            return value is None
        return value is not None and self.matches(value)


def _words(text: str) -> frozenset[str]:
    words = frozenset(filter(None, text.split("|")))
    if not words:
        raise TsdbQueryError("Filter cannot be empty", "one value, or several as a|b")
    return words


def _literal_or(text: str) -> Matches:
    return _words(text).__contains__


def _iliteral_or(text: str) -> Matches:
    words = _words(text.lower())
    return lambda value: value.lower() in words


def _not_literal_or(text: str) -> Matches:
    words = _words(text)
    return lambda value: value not in words


def _not_iliteral_or(text: str) -> Matches:
    words = _words(text.lower())
    return lambda value: value.lower() not in words


def _wildcard(text: str) -> Matches:
    if "*" not in text:
        raise TsdbQueryError(f"Filter must contain an asterisk: {text!r:.80}", "as web*, *, *.example.org")
    first, *between, last = text.split("*")

    def matches(value: str) -> bool:
        # Each part at its first place after the part before: nothing is tried twice, so it cannot take long.
        at, end = len(first), len(value) - len(last)
        if not (value.startswith(first) and value.endswith(last)) or end < at:
            return False
        for part in between:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def _iwildcard(text: str) -> Matches:
    matches = _wildcard(text.lower())
    return lambda value: matches(value.lower())


def _regexp(text: str) -> Matches:
    """By RE2, whose time is linear in the value's length: nobody can make a question take for ever."""
    try:
        import re2  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("http", "a filter by regexp") from error
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else ""
        raise TsdbQueryError(
            f"Invalid regular expression {text!r:.80}: {reason:.200}",
            "what RE2 knows: no backward references, no looking ahead or back",
        ) from error
    return lambda value: pattern.search(value) is not None


@dataclass(frozen=True, slots=True)
class FilterType:
    """One kind of filter: how it is made, and what ``/api/config/filters`` says of it."""

    make: Callable[[str], Matches]
    example: str
    description: str


FILTERS: Mapping[str, FilterType] = {
    "literal_or": FilterType(
        _literal_or, "a|b", "One of these values, separated by |; upper and lower case differ."
    ),
    "iliteral_or": FilterType(
        _iliteral_or, "a|b", "One of these values, separated by |; upper and lower case are the same."
    ),
    "not_literal_or": FilterType(
        _not_literal_or, "a|b", "Any value of the tag but these; upper and lower case differ."
    ),
    "not_iliteral_or": FilterType(
        _not_iliteral_or, "a|b", "Any value of the tag but these; upper and lower case are the same."
    ),
    "wildcard": FilterType(
        _wildcard, "web*", "The whole value, where * is any text; upper and lower case differ."
    ),
    "iwildcard": FilterType(
        _iwildcard, "web*", "The whole value, where * is any text; upper and lower case are the same."
    ),
    "regexp": FilterType(
        _regexp, "web.*", "A regular expression that a part of the value matches, in the syntax of RE2."
    ),
}
NOT_KEY = "not_key"
NOT_KEY_DESCRIPTION = "Series that do not have the tag; the filter itself is empty."


def make_filter(kind: str, key: str, text: str, *, group: bool, characters: int) -> Filter:
    """A filter by the name of its kind. ``characters`` limits expressions. Raises TsdbQueryError."""
    if not key:
        raise TsdbQueryError("Missing the tag of a filter", "as tagk: host")
    if kind == NOT_KEY:
        if text:
            raise TsdbQueryError("Filter value must be empty for not_key", f"it is {text!r:.60}")
        return Filter(key, None)
    if kind not in FILTERS:
        raise TsdbQueryError(
            f"Could not find a filter of type {kind!r:.60}", f"there are {', '.join([*FILTERS, NOT_KEY])}"
        )
    if kind == "regexp" and len(text) > characters:
        raise TsdbQueryError(f"The regular expression is longer than {characters} characters")
    if not text:
        raise TsdbQueryError(f"Filter cannot be empty: {kind} of the tag {key!r:.60}")
    return Filter(key, FILTERS[kind].make(text), group)


def written_filter(key: str, text: str, *, group: bool, characters: int) -> Filter:
    """As in ``{key=text}``: a value, ``a|b``, ``*``, ``web*``, or ``wildcard(web*)``."""
    match = _WRITTEN.fullmatch(text)
    if match:
        return make_filter(match[1].lower(), key, match[2], group=group, characters=characters)
    kind = "wildcard" if "*" in text else "literal_or"
    return make_filter(kind, key, text, group=group, characters=characters)
