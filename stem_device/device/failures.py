"""Errors of this package as Tango clients see them: a reason to test for, and a text that says what to do."""

from __future__ import annotations

import tango

from stem_device.errors import (
    ClientReportError,
    MarkError,
    MissingExtraError,
    OptionError,
    RecordingError,
    StemError,
)

_ADVICE: tuple[tuple[type[StemError], str], ...] = (
    (
        RecordingError,
        "Mend the cause (RecordingDirectory, space, permissions), then call it again.",
    ),
    (OptionError, "Call again with a value that can be used; nothing was changed."),
    (
        MarkError,
        "Nothing was recorded; send it again as docs/reference/marks.md of stem-device describes it.",
    ),
    (
        ClientReportError,
        "Nothing was counted; docs/reference/clients.md of stem-device describes what is taken.",
    ),
    (MissingExtraError, "Install it where the device server runs, then restart the server."),
)


def dev_failed(error: StemError, origin: str) -> tango.DevFailed:
    """``reason`` is ``STEM_`` and the name of the exception."""
    advice = next((text for kind, text in _ADVICE if isinstance(error, kind)), "See Status and the log.")
    return _failed(f"STEM_{type(error).__name__}", f"{error}. {advice}", origin)


def not_working(status: str, origin: str) -> tango.DevFailed:
    """The device is in FAULT."""
    return _failed("STEM_NotWorking", status, origin)


def _failed(reason: str, description: str, origin: str) -> tango.DevFailed:
    error = tango.DevError()
    error.reason, error.desc, error.origin = reason, description, f"EventMonitor.{origin}"
    error.severity = tango.ErrSeverity.ERR
    return tango.DevFailed(error)
