"""Which names a user means: glob patterns, upper and lower case alike, with or without the Tango host."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from stem_device.model.topics import NO_DATABASE

Patterns: TypeAlias = str | Sequence[str]
"""One glob pattern or several (``*``, ``?``, ``[abc]``)."""

ATTR_NAME_CHARACTERS = 31
"""cppTango cuts the names of attributes in samples."""

_HOST = re.compile(r"tango://[^/]+/", re.IGNORECASE)
_STREAM = re.compile(rf"^[^/]+/[^/]+/[^/]+/(?P<attribute>[^/.#]+)(?:{NO_DATABASE})?\.[^/]+$", re.IGNORECASE)


def as_tuple(patterns: Patterns | None) -> tuple[str, ...] | None:
    """None stays None."""
    return (patterns,) if isinstance(patterns, str) else None if patterns is None else tuple(patterns)


def without_host(name: str) -> str:
    """``tango://host:10000/a/b/c`` -> ``a/b/c``."""
    host = _HOST.match(name)
    return name[host.end() :] if host else name


def matching(names: Iterable[str], patterns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which of ``names`` match one of ``patterns``, in full or without ``tango://host:port/``."""
    expression = re.compile("|".join(fnmatch.translate(pattern.lower()) for pattern in patterns) or r"(?!)")
    return np.fromiter((_matches(expression, name.lower()) for name in names), np.bool_)


def sampled_attribute(name: str) -> str | None:
    """How samples call the attribute of a stream or topic, in lower case.

    ``tango://host:10000/a/b/c/position.change`` -> ``position``; None if the name is none of a stream.
    """
    found = _STREAM.match(without_host(name))
    return found["attribute"][:ATTR_NAME_CHARACTERS].lower() if found else None


def _matches(expression: re.Pattern[str], name: str) -> bool:
    return bool(expression.match(name) or expression.match(without_host(name)))
