"""Tango's errors in the words of an operator: what, where, what to do."""

from __future__ import annotations

import tango

from stem_device.errors import (
    TargetError,
    TargetFailingError,
    TargetNotExportedError,
    TargetUnreachableError,
    TargetUnsupportedError,
)

NEEDED = (
    "update the server to cppTango 10.1 (PyTango 10.1) or later, or to a patched build with QueryEventSystem"
)
_MAX_TEXT = 300
_TIMED_OUT = ("CallTimedout", "API_DeviceTimedOut", "Timeout (")
_UNDEFINED = ("DB_DeviceNotDefined", "DB_DeviceNotFound", "API_DeviceNotDefined")
_NO_CONNECTION = (
    "API_CantConnectToDevice",
    "API_CommunicationFailed",
    "API_CorbaException",
    "API_BadConfigurationProperty",
)


def hung_reason(limit_seconds: float) -> str:
    """Why a server counts as unreachable that did not answer in time."""
    return (
        f"did not answer within {limit_seconds:g} s: the process hangs or is overloaded, or its machine or "
        "the network is down; look at the process and restart it if it hangs"
    )


def explain(target: str, error: tango.DevFailed, limit_seconds: float) -> TargetError:
    """The TargetError for what a call to ``target`` raised; its subclass is the state of the server."""
    text = " ".join(f"{item.reason} {item.desc}" for item in error.args)
    if "API_CantConnectToDatabase" in text:
        return TargetUnreachableError(
            target,
            "its database does not answer; start the database or correct the host and port in the name",
        )
    if any(mark in text for mark in _UNDEFINED):
        return TargetNotExportedError(
            target, "the database knows no such device; correct the name, or register the server"
        )
    if "API_DeviceNotExported" in text:
        return not_exported(target)
    if any(mark in text for mark in _TIMED_OUT):
        return TargetUnreachableError(target, hung_reason(limit_seconds))
    if any(mark in text for mark in _NO_CONNECTION):
        return unreachable(target)
    return TargetFailingError(target, f"answers with an error: {first_words(error)}")


def not_exported(target: str) -> TargetError:
    """The server is not running, and the database knows it."""
    return TargetNotExportedError(target, "is not running, says the database; start the server")


def unreachable(target: str) -> TargetError:
    """Nothing answers where the server should be."""
    if target.endswith("#dbase=no"):
        return TargetUnreachableError(
            target,
            "nothing answers at this address; start the server, or correct the host and port in the name",
        )
    return TargetUnreachableError(
        target,
        "the database says that it runs, but nothing answers at its address: it was killed, or its machine "
        "or the network is down; start the server again",
    )


def unsupported(target: str, tango_version: str) -> TargetError:
    """The server answers, but has no QueryEventSystem."""
    version = f"Tango {tango_version}" if tango_version else "an unknown version of Tango"
    return TargetUnsupportedError(
        target, tango_version, f"runs {version}, which cannot tell about its events; {NEEDED}"
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
