"""Tango's errors as errors of targets: what, where, what to do. Told apart by codes, not by prose."""

from __future__ import annotations

import tango

from stem_device.errors import (
    TargetDatabaseError,
    TargetError,
    TargetFailingError,
    TargetNotExportedError,
    TargetRefusedError,
    TargetSilentError,
    TargetUndefinedError,
    TargetUnsupportedError,
)
from stem_device.model.topics import NO_DATABASE
from stem_device.polling.names import host_of

NEEDED = (
    "update the server to cppTango 10.1 (PyTango 10.1) or later, or to a patched build with QueryEventSystem"
)
REFUSED_SECONDS = 1.0
"""A machine refuses a connection at once. What takes longer is a machine or a network that does not answer:
the system gives up on an address after about 3 s, and Tango calls that "ConnectFailed" too."""

DATABASE = "sys/database/2"
"""The name of every Tango database as a device."""

DATABASE_SILENT = "does not answer; start it, or correct TANGO_HOST or the name of the target"

TURNED_AWAY = (
    "runs, but takes no calls at this moment: it is starting, stopping or restarting its devices; it is "
    "asked again at the next poll"
)

UNDEFINED = frozenset(
    {"DB_DeviceNotDefined", "DB_DeviceNotFound", "DB_AliasNotDefined", "API_DeviceNotDefined"}
)
"""Reasons of a database that answers, and knows no such name."""

_MAX_TEXT = 300
# cppTango gives the name of the CORBA exception at the beginning of the description, and nowhere else.
_TIMED_OUT_CORBA = ("TRANSIENT_CallTimedout",)
_REFUSED_CORBA = ("TRANSIENT_ConnectFailed", "OBJECT_NOT_EXIST")
_TURNED_AWAY_CORBA = ("TRANSIENT_POANoResource",)
_TIMED_OUT = frozenset({"API_DeviceTimedOut"})
_CONNECTION = frozenset(
    {
        "API_CantConnectToDevice",
        "API_CantConnectToDatabase",
        "API_CommunicationFailed",
        "API_CorbaException",
        "API_ServerNotRunning",
        "API_BadConfigurationProperty",
    }
)


def hung_reason(limit_seconds: float) -> str:
    """Why a server counts as unreachable that did not answer in time."""
    return (
        f"did not answer within {limit_seconds:g} s: the process hangs or is overloaded, or its machine or "
        "the network is down; look at the process and restart it if it hangs"
    )


def still_read_reason(characters: int) -> str:
    """Why a server counts as unreachable whose answer takes long to read."""
    return (
        f"answered, and its reply of {characters} characters is still being read; "
        "it counts from the next poll on"
    )


def explain(  # noqa: PLR0911 - a table of cases
    target: str, error: tango.DevFailed, limit_seconds: float, took_seconds: float = 0.0
) -> TargetError:
    """The TargetError for what a call to ``target`` raised after ``took_seconds``."""
    reasons = {item.reason for item in error.args}
    if is_about_database(target, error):
        return TargetDatabaseError(host_of(target), DATABASE_SILENT)
    if "API_DeviceNotExported" in reasons:
        return not_exported(target)
    if reasons & UNDEFINED:
        return undefined(target)
    if is_turned_away(error):
        return TargetSilentError(target, TURNED_AWAY)
    if is_timeout(error) or (is_about_connection(error) and took_seconds >= REFUSED_SECONDS):
        return TargetSilentError(target, hung_reason(limit_seconds))
    if is_refused(error):
        return refused(target)
    if is_about_connection(error):
        return TargetSilentError(target, f"the connection broke while it was asked: {first_words(error)}")
    return TargetFailingError(target, f"answers with an error: {first_words(error)}")


def not_exported(target: str) -> TargetNotExportedError:
    """The server is not running, and the database knows it."""
    return TargetNotExportedError(target, "is not running, says the database; start the server")


def undefined(target: str) -> TargetUndefinedError:
    """The database answers, and knows no such device."""
    return TargetUndefinedError(
        target, "the database knows no such device; correct the name, or register the server"
    )


def refused(target: str, *, unknown_since: TargetDatabaseError | None = None) -> TargetRefusedError:
    """Nothing answers where the server should be; ``unknown_since``: nor does its database tell."""
    if unknown_since is not None:
        return TargetRefusedError(
            target,
            f"nothing answers any more at the address where it was, and {unknown_since}; whether it runs "
            "elsewhere is not known",
        )
    if target.endswith(NO_DATABASE):
        return TargetRefusedError(
            target,
            "nothing answers at this address; start the server, or correct the host and port in the name",
        )
    return TargetRefusedError(
        target,
        "the database says that it runs, but nothing answers at its address: it was killed, or its machine "
        "is down; start the server again",
    )


def unsupported(target: str, tango_version: str) -> TargetError:
    """The server answers, but has no QueryEventSystem."""
    version = f"Tango {tango_version}" if tango_version else "an unknown version of Tango"
    return TargetUnsupportedError(
        target, tango_version, f"runs {version}, which cannot tell about its events; {NEEDED}"
    )


def is_about_connection(error: tango.DevFailed) -> bool:
    """Whether the call did not reach the device, or its answer did not come back."""
    return is_timeout(error) or any(item.reason in _CONNECTION for item in error.args)


def is_about_database(target: str, error: tango.DevFailed) -> bool:
    """Whether it was the database that did not answer, when Tango looked up the address of ``target``."""
    own = f"device {DATABASE}"
    return any(
        item.reason == "API_CantConnectToDatabase" or (own in item.desc and DATABASE not in target)
        for item in error.args
    ) and is_about_connection(error)


def is_refused(error: tango.DevFailed) -> bool:
    """Whether the machine answered that nothing listens there, or another process that it is not the one."""
    return any(name in item.desc for item in error.args for name in _REFUSED_CORBA)


def is_turned_away(error: tango.DevFailed) -> bool:
    """Whether the process answered that it takes no calls now: it begins, restarts its devices, or ends."""
    return any(name in item.desc for item in error.args for name in _TURNED_AWAY_CORBA)


def is_timeout(error: tango.DevFailed) -> bool:
    """Whether no answer came in time."""
    return any(
        item.reason in _TIMED_OUT or any(name in item.desc for name in _TIMED_OUT_CORBA)
        for item in error.args
    )


def is_delayed(error: tango.DevFailed) -> bool:
    """Whether cppTango only says that it tried to connect a moment ago, and hides why that failed."""
    return any("connection request was delayed" in item.desc for item in error.args)


def is_missing_command(error: tango.DevFailed) -> bool:
    """Whether the device has no command of that name."""
    return any(item.reason == "API_CommandNotFound" for item in error.args)


def first_words(error: tango.DevFailed) -> str:
    """The first cause, without cppTango's stack, on one line and of bounded length."""
    if not error.args:
        return "an error without a text"
    first = error.args[0]
    line = " ".join(f"{first.desc} ({first.reason})".split())
    return line if len(line) <= _MAX_TEXT else line[:_MAX_TEXT] + "..."
