"""What a target string says: which database, which device, or which pattern."""

from __future__ import annotations

import re

from msgspec import Struct

from stem_device.errors import OptionError, TargetError
from stem_device.model.topics import NO_DATABASE

_PREFIX = "tango://"
_WITH_DATABASE = "#dbase=yes"
_HOST = re.compile(r"(?P<host>[^/\s:]+|\[[0-9a-f:]+\]):(?P<port>\d{1,5})")
_ADMIN = "dserver/"
MAX_NAME_CHARACTERS = 1024


class TargetName(Struct, frozen=True):
    """A target string taken apart, in lower case.

    ``host`` is ``host:port`` of the database (of the server where ``database`` is False), empty for the
    default database. ``path`` is ``domain/family/member``, an alias without slashes, or a pattern with ``*``.
    """

    host: str
    path: str
    database: bool = True

    @property
    def is_pattern(self) -> bool:
        return "*" in self.path

    @property
    def is_alias(self) -> bool:
        return "/" not in self.path

    @property
    def is_admin(self) -> bool:
        return self.path.startswith(_ADMIN)


def parse_target(text: str) -> TargetName:
    """Take a target apart; raises TargetError with the form that it should have."""
    name = text.strip().lower()
    if len(name) > MAX_NAME_CHARACTERS:
        raise TargetError(text[:80], f"the name is longer than {MAX_NAME_CHARACTERS} characters; correct it")
    _check_characters(name)
    database = not name.endswith(NO_DATABASE)
    path = name.removesuffix(NO_DATABASE).removesuffix(_WITH_DATABASE)
    host = ""
    if path.startswith(_PREFIX):
        host, _, path = path.removeprefix(_PREFIX).partition("/")
        _check_host(text, host)
    _check_path(text, path)
    target = TargetName(host=host, path=path, database=database)
    _check_no_database(text, target)
    return target


def check_target(text: str, option: str = "TargetDevices") -> None:
    """Raise OptionError for what can never be a target: an attribute, a name with spaces, half a name.

    ``option`` is what the error calls it: where it was given.
    """
    try:
        parse_target(text)
    except TargetError as error:
        raise OptionError(option, text, error.reason) from error


def full_name(host: str, path: str, *, database: bool = True) -> str:
    """The one name of a target: ``tango://host:port/domain/family/member``, in lower case."""
    return f"{_PREFIX}{host}/{path}{'' if database else NO_DATABASE}".lower()


def host_of(name: str) -> str:
    """``host:port`` of a full name."""
    return name.removeprefix(_PREFIX).partition("/")[0]


def path_of(name: str) -> str:
    """``domain/family/member`` of a full name."""
    return name.removeprefix(_PREFIX).partition("/")[2].removesuffix(NO_DATABASE)


def as_sent(text: str) -> str:
    """A name as the argument of a command, whose text PyTango sends in Latin-1.

    Everywhere else PyTango has names in UTF-8 (it cannot even read a property in which they are not), so that
    the bytes have to be the same here.
    """
    return text if text.isascii() else text.encode().decode("latin-1")


def admin_path(server: str) -> str:
    """``Executable/instance`` -> ``dserver/executable/instance``."""
    return f"{_ADMIN}{server}".lower()


def _check_characters(name: str) -> None:
    """Tango carries Latin-1 alone, and would raise no error of its own for what is beyond."""
    wrong = next((character for character in name if ord(character) > 255 or not character.isprintable()), "")
    if wrong:
        raise TargetError(ascii(name[:80]), f"the name of a device cannot hold {wrong!a}; correct it")


def _check_host(text: str, host: str) -> None:
    match = _HOST.fullmatch(host)
    if match is None or not 0 < int(match["port"]) < 65536 or not _is_host(match["host"]):
        raise TargetError(
            text, "after tango:// there must be host:port, as in tango://host:10000/sys/tg_test/1"
        )


def _is_host(name: str) -> bool:
    """Whether the resolver may be asked for it, which raises UnicodeError for what cannot be a name."""
    labels = name.removesuffix(".").split(".")
    return name.isascii() and (name.startswith("[") or all(0 < len(label) < 64 for label in labels))


def _check_path(text: str, path: str) -> None:
    parts = path.split("/")
    if len(parts) == 4 and all(parts):
        raise TargetError(text, f"names an attribute; name its device, {'/'.join(parts[:3])}")
    if len(parts) not in (1, 3) or not all(parts) or re.search(r"[\s\"'#?:>\x00-\x1f]", path):
        raise TargetError(
            text, "is no name of a device; it must look like sys/tg_test/1, dserver/tangotest/1 or sys/*/*"
        )
    if "*" in path and len(parts) != 3:
        raise TargetError(text, "a pattern needs three parts, as in sys/*/* or */*/*")


def _check_no_database(text: str, target: TargetName) -> None:
    if target.database:
        return
    if not target.host or target.is_pattern or target.is_alias:
        raise TargetError(
            text,
            "without a database there must be a full name, tango://host:port/domain/family/member#dbase=no",
        )
