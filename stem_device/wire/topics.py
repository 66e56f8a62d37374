"""Which topics are wanted, and how ZeroMQ is told so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from stem_device.model.topics import NO_DATABASE

_SCHEME = "tango://"
_WILD = re.compile(r"[*?\[]")
_HOST = re.compile(r"tango://[^/]*/")


class Topics:
    """Patterns against the names of attributes with their event type: ``sys/tg_test/1/*``,
    ``*/double_scalar.change``, ``tango://host:port/lab/*``; a device or an attribute is all that is below it.
    No pattern: everything.

    Topics begin with the database's name as the publisher spells it, which only its events and heartbeats
    tell. ``hosts`` are spellings to begin with; others are learned from heartbeats.
    """

    def __init__(self, patterns: Sequence[str] = (), hosts: Iterable[str] = ()) -> None:
        self._patterns = tuple(pattern.lower() for pattern in patterns)
        self._hosts = {host.lower() for host in hosts}

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def matches(self, topic: str) -> bool:
        """Whether this topic is wanted."""
        if not self._patterns:
            return True
        full = re.sub(rf"({NO_DATABASE})?\.(idl\d+_)?(?=[^.]*$)", ".", topic.lower())
        path = _HOST.sub("", full, count=1)
        return any(
            _matches(full if pattern.startswith(_SCHEME) else path, pattern) for pattern in self._patterns
        )

    def prefixes(self) -> tuple[bytes, ...]:
        """What topics that are wanted begin with, as far as hosts are known."""
        if not self._patterns:
            return (b"",)
        return tuple(
            prefix for host in sorted(self._hosts) for prefix in self._prefixes_at(f"{_SCHEME}{host}/")
        ) + tuple(_fixed(pattern).encode() for pattern in self._patterns if pattern.startswith(_SCHEME))

    def learn(self, topic: str) -> tuple[bytes, ...]:
        """The prefixes to add, if the host of this topic is a new one."""
        found = _HOST.match(topic.lower())
        host = found[0].removeprefix(_SCHEME).rstrip("/") if found else ""
        if not self._patterns or not host or host in self._hosts:
            return ()
        self._hosts.add(host)
        return self._prefixes_at(f"{_SCHEME}{host}/")

    def _prefixes_at(self, begin: str) -> tuple[bytes, ...]:
        return tuple(
            (begin + _fixed(pattern)).encode()
            for pattern in self._patterns
            if not pattern.startswith(_SCHEME)
        )


def _matches(name: str, pattern: str) -> bool:
    return (
        fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") or fnmatchcase(name, f"{pattern}/*")
    )


def _fixed(pattern: str) -> str:
    """The part before the first wildcard, and before the event type: ``idl5_`` may stand there."""
    fixed = _WILD.split(pattern, maxsplit=1)[0]
    head, slash, last = fixed.rpartition("/")
    return head + slash + last.partition(".")[0]
