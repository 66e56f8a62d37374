"""Names as OpenTSDB takes them: letters, digits and ``-_./``, at least one tag and at most eight."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

MAX_TAGS = 8
"""What OpenTSDB allows unless ``tsd.storage.max_tags`` says otherwise."""
_DISPENSABLE = ("name", "device", "publisher")
"""Tags that are left out where there are too many: a stream has its device and name in it, and a stream has
one publisher."""
_MAX_CHARACTERS = 255
_FORBIDDEN = re.compile(r"[^A-Za-z0-9\-_./]")


@lru_cache(maxsize=100_000)
def valid_name(text: str) -> str:
    """``tango://host:10000/a/b/c`` -> ``tango_//host_10000/a/b/c``; empty stays empty.

    ``+Inf``, the last bound of a histogram, becomes ``Inf``.
    """
    return _FORBIDDEN.sub("_", text.removeprefix("+"))[:_MAX_CHARACTERS]


class PutTags(NamedTuple):
    """Tags as they are sent; ``text`` has them as ``name=value name=value``."""

    text: str
    by_name: dict[str, str]


def valid_tags(tags: Iterable[tuple[str, str]], own: Mapping[str, str]) -> PutTags:
    """All tags and the monitor's ``own``, without those that are empty."""
    made = {valid_name(key): valid_name(value) for key, value in (*own.items(), *tags)}
    made = {key: value for key, value in made.items() if key and value}
    for key in _DISPENSABLE:
        if len(made) > MAX_TAGS:
            made.pop(key, None)
    return _put_tags(made)


def users_tags(labels: Iterable[tuple[str, str]], own: Mapping[str, str]) -> PutTags:
    """All labels of a user's series and the monitor's ``own`` tags: none can be done without, however many.

    A label whose name is taken is ``user_`` and its name.
    """
    made = {valid_name(key): valid_name(value) for key, value in own.items()}
    for label, text in labels:
        key = valid_name(label)
        while key in made:
            key = f"user_{key}"
        made[key] = valid_name(text)
    return _put_tags(made)


def _put_tags(made: dict[str, str]) -> PutTags:
    return PutTags(" ".join(f"{key}={value}" for key, value in made.items()), made)
