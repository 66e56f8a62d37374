"""From the argument of ReportClient to a report, with names that can do no harm."""

from __future__ import annotations

import re

import msgspec
from msgspec import structs

from stem_device.errors import ClientReportError
from stem_device.model.client_report import MAX_REPORT_CHARACTERS, VERSION, ClientReport
from stem_device.text import visible

PREFIX = "client/"
"""Names of clients begin so: no server is called like that, as admin devices begin with ``dserver/``."""

MAX_NAME_CHARACTERS = 64

_LOCATION = re.compile(r"(?P<reason>.*) - at `(?P<key>.*)`", re.DOTALL)
_UNFIT = re.compile(r"[^a-z0-9_.-]+")


def parse_report(text: str) -> ClientReport:
    """Read a report, its names cleaned. Raises ClientReportError."""
    if len(text) > MAX_REPORT_CHARACTERS:
        raise ClientReportError("$", f"{len(text)} characters are more than {MAX_REPORT_CHARACTERS}")
    try:
        report = msgspec.json.decode(text, type=ClientReport)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        located = _LOCATION.fullmatch(str(error))
        key, reason = (located["key"], located["reason"]) if located else ("$", str(error))
        raise ClientReportError(key[:MAX_NAME_CHARACTERS], reason[:300]) from error
    if report.version != VERSION:
        raise ClientReportError(
            "$.version",
            f"version {report.version} is not known here, {VERSION} is; upgrade the monitor",
        )
    if not report.ended and not report.texts:
        raise ClientReportError("$.texts", "there must be a reply")
    return structs.replace(
        report,
        name=_cleaned("$.name", report.name),
        host=_cleaned("$.host", report.host),
        started=visible(report.started),
        tango_version=visible(report.tango_version)[:40],
    )


def _cleaned(key: str, text: str) -> str:
    """A part of the name of a device: lower case, what Tango or a table could trip over as ``_``."""
    cleaned = _UNFIT.sub("_", text.lower()).strip("._")[:MAX_NAME_CHARACTERS]
    if not cleaned:
        raise ClientReportError(key, "it must have a letter or digit of ASCII")
    return cleaned
