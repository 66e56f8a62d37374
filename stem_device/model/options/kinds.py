"""The kinds of value that an option may have: how one is read from text, checked, and written as text.

The text is that of a line of a Tango property and of an argument of the command line alike. ``parse`` and
``check`` raise ValueError with the end of a sentence that begins with the name of the option: "must be ...".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

T = TypeVar("T")

ENVIRONMENT = "environment"

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})


class Kind:
    """One kind of value. ``type_text`` is for readers of the reference, ``metavar`` for those of --help."""

    type_text: ClassVar[str] = "string"
    metavar: ClassVar[str] = "TEXT"
    several: ClassVar[bool] = False
    """Whether the value is a tuple with a text for each line."""

    def parse(self, text: str) -> Any:
        """The value that ``text`` stands for; :meth:`check` says whether it can be used."""
        return text

    def check(self, value: Any) -> None:
        """Refuse a value that cannot be used."""

    def text(self, value: Any) -> str:
        """What :meth:`parse` makes ``value`` of."""
        return str(value)

    def shown(self, value: object) -> object:
        """``value`` as an error may show it."""
        return value


@dataclass(frozen=True)
class Texts(Kind):
    """A text a line, none of them empty; ``noun`` says what one is."""

    type_text = "strings"
    several = True
    noun: str = "text"

    def check(self, value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
            raise ValueError("must be a tuple of texts")
        if not all(text.strip() for text in value):
            raise ValueError(f"a {self.noun} must not be empty")


@dataclass(frozen=True)
class Seconds(Kind):
    """A time, from ``lowest`` to ``highest``."""

    type_text = "double, s"
    metavar = "SECONDS"
    lowest: float
    highest: float

    def parse(self, text: str) -> float:
        return _parsed(float, text, "must be a number of seconds, as 10 or 0.5")

    def check(self, value: Any) -> None:
        if not _is_number(value):
            raise ValueError("must be a finite number of seconds")
        if not self.lowest <= value <= self.highest:
            raise ValueError(f"must be between {self.lowest} and {self.highest} seconds")

    def text(self, value: Any) -> str:
        return _shortest(value)


@dataclass(frozen=True)
class Share(Kind):
    """A share of the time; 1 is no limit."""

    type_text = "double"
    metavar = "SHARE"

    def parse(self, text: str) -> float:
        return _parsed(float, text, "must be a share of the time, as 0.01")

    def check(self, value: Any) -> None:
        if not _is_number(value) or not 0.0001 <= value <= 1.0:
            raise ValueError("must be a share of the time, from 0.0001 to 1 (no limit)")

    def text(self, value: Any) -> str:
        return _shortest(value)


@dataclass(frozen=True)
class Count(Kind):
    """A whole number, ``lowest`` at least; with ``or_zero`` 0 too, which is no limit."""

    type_text = "long"
    metavar = "N"
    lowest: int = 0
    or_zero: bool = False

    def parse(self, text: str) -> int:
        return _parsed(int, text, "must be a whole number, as 5")

    def check(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if value < self.lowest and not (self.or_zero and value == 0):
            raise ValueError(f"must be {'0 (no limit) or ' * self.or_zero}at least {self.lowest}")


@dataclass(frozen=True)
class Bytes(Count):
    """A size in bytes."""

    type_text = "long, bytes"
    metavar = "BYTES"


@dataclass(frozen=True)
class Flag(Kind):
    """True or false."""

    type_text = "boolean"

    def parse(self, text: str) -> bool:
        if text.lower() not in TRUE_WORDS | FALSE_WORDS:
            raise ValueError("must be true or false")
        return text.lower() in TRUE_WORDS

    def check(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")

    def text(self, value: Any) -> str:
        return str(value).lower()


@dataclass(frozen=True)
class Choice(Kind):
    """One of ``words``, as it is written there."""

    words: tuple[str, ...]

    def check(self, value: Any) -> None:
        if value not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}")


@dataclass(frozen=True)
class FilePath(Kind):
    """The path of a file or, where ``noun`` says so, of a directory; whoever opens it sees what is there."""

    metavar = "PATH"
    noun: str = "file"

    def parse(self, text: str) -> Path:
        if not text:
            raise ValueError(f"must be the path of a {self.noun}")
        return Path(text)

    def check(self, value: Any) -> None:
        if not isinstance(value, Path):
            raise ValueError(f"must be the Path of a {self.noun}")
        if "\0" in str(value):
            raise ValueError("must not contain the character NUL")


class Address(NamedTuple):
    """Where a server listens: a name or number of this machine, and a port; 0 takes one that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class HostPort(Kind):
    """An :class:`Address`. The host is never left out: whether a port is open to the world is said aloud."""

    type_text = "string, host:port"
    metavar = "HOST:PORT"
    _MUST: ClassVar[str] = (
        "must be host:port, as 127.0.0.1:8000, [::1]:8000, or 0.0.0.0:8000 for all networks"
    )

    def parse(self, text: str) -> Address:
        found = re.fullmatch(r"(?:\[(\S+)\]|([^\s:]+)):([0-9]{1,5})", text)
        if found is None:
            raise ValueError(self._MUST)
        return Address(found[1] or found[2], int(found[3]))

    def check(self, value: Any) -> None:
        if not isinstance(value, Address) or not re.fullmatch(r"[A-Za-z0-9._:%-]+", str(value.host)):
            raise ValueError(self._MUST)
        if not isinstance(value.port, int) or not 0 <= value.port <= 65_535:
            raise ValueError("must have a port from 0 (any that is free) to 65535")


@dataclass(frozen=True)
class LocalPort(HostPort):
    """An :class:`Address`; a port alone is one that only this machine reaches."""

    type_text = "string, [host:]port"
    metavar = "[HOST:]PORT"
    _MUST: ClassVar[str] = (
        "must be a port of this machine alone, as 8000, or host:port, as [::1]:8000, or 0.0.0.0:8000 for all "
        "networks"
    )

    def parse(self, text: str) -> Address:
        alone = re.fullmatch(r":?([0-9]{1,5})", text)
        return super().parse(text) if alone is None else Address("127.0.0.1", int(alone[1]))


@dataclass(frozen=True)
class Url(Kind):
    """The address of a service. User and password do not belong in it: see :class:`SecretFile`."""

    type_text = "string, URL"
    metavar = "URL"
    schemes: tuple[str, ...] = ("http", "https")

    def check(self, value: Any) -> None:
        parts = _split(value)
        if parts is None or parts.scheme not in self.schemes or not parts.hostname or not value.isprintable():
            examples = " or ".join(f"{scheme}://host:port/" for scheme in self.schemes)
            raise ValueError(f"must be {examples}")
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "must not contain a user or a password, which everybody can read there: "
                "put them into a file or an environment variable"
            )

    def shown(self, value: object) -> object:
        """Without what stands before an @, which may be a password."""
        before, at, after = str(value).rpartition("@")
        return f"{before.partition('://')[0]}://***@{after}" if at else value


@dataclass(frozen=True)
class UrlOrEnvironment(Url):
    """A :class:`Url`, or the word ``environment``: variables say which."""

    type_text = "string, URL or environment"

    def check(self, value: Any) -> None:
        if value != ENVIRONMENT:
            super().check(value)


@dataclass(frozen=True)
class SettingsFile(FilePath):
    """The path of a file with settings, secrets too. The settings themselves are refused, and not shown."""

    def check(self, value: Any) -> None:
        super().check(value)
        if not self._is_path(value):
            raise ValueError("must be the path of a file that contains the settings, never the settings")

    def shown(self, value: object) -> object:
        return value if self._is_path(value) else "***"

    @staticmethod
    def _is_path(value: object) -> bool:
        return not set(str(value)) & set("{}=\"'@") and str(value).isprintable()


@dataclass(frozen=True)
class SecretFile(FilePath):
    """The absolute path of a file with a password, token or key; ``variable`` of the environment instead.

    A secret itself is never the value of an option: anybody can read properties in the Tango database, and
    arguments in the list of processes. :func:`stem_device.model.options.secret_values.read_secret` reads it.
    """

    variable: str = ""

    def check(self, value: Any) -> None:
        super().check(value)
        if not value.is_absolute():
            raise ValueError(
                "must be the absolute path of a file that contains the secret, never the secret itself; "
                f"without it the environment variable {self.variable} is read"
            )

    def shown(self, value: object) -> object:
        """Paths only: somebody may have put the secret there."""
        return value if str(value).startswith("/") else "***"


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def _shortest(value: float) -> str:
    """``10.0`` -> ``10``; no digit that matters is lost."""
    return repr(value).removesuffix(".0")


def _parsed(of: Callable[[str], T], text: str, otherwise: str) -> T:
    try:
        return of(text)
    except ValueError:
        raise ValueError(otherwise) from None


def _split(value: object) -> SplitResult | None:
    """The parts of a URL; None if it is none, or its port none."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port  # beyond 65535 an error
    except ValueError:
        return None
    return parts if port != 0 else None
