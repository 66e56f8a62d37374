"""What ``stem doctor`` does, once its arguments are understood."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.json_output import print_json
from stem_device.cli.tables import print_lines, wide_console
from stem_device.doctor import (
    Examined,
    Request,
    Verdict,
    devices_of_database,
    diagnose,
    names_attribute,
    survey,
    survey_all,
)
from stem_device.report.doctor import (
    conclusion_lines,
    device_lines,
    device_tables,
    link_lines,
    survey_lines,
    survey_tables,
    title,
    untested_lines,
)

__all__ = ["names_attribute", "run_all", "run_attribute", "run_device"]


def run_attribute(name: str, event: str, subscriber: str, wait: float, *, as_json: bool) -> ExitCode:
    """Walk the chain, and show each link as it is known. Raises StemError."""
    request = Request(text=name, event=event, subscriber=subscriber, wait_seconds=wait)
    if as_json:
        diagnosis = diagnose(request)
        print_json(diagnosis)
    else:
        console = wide_console()
        shown = _Shown(console, title(request))
        diagnosis = diagnose(request, shown.link)
        shown.end(conclusion_lines(diagnosis))
    return ExitCode.FAILED if diagnosis.broken else ExitCode.OK


class _Shown:
    """Prints links as they come; those in a row that were not tested for one reason are one line."""

    def __init__(self, console: Console, heading: str) -> None:
        self._console = console
        self._heading = heading
        self._untested: list[Examined] = []
        self.width = console.width if console.is_terminal else 0
        """0: as wide as it gets."""

    def link(self, link: Examined) -> None:
        self._begin()
        if self._untested and link.evidence != self._untested[0].evidence:
            self._flush()
        if link.verdict is Verdict.NOT_TESTED:
            self._untested.append(link)
        else:
            self._print(link_lines(link, self.width))

    def end(self, lines: Sequence[Text]) -> None:
        self._begin()
        self._flush()
        self._print(lines)

    def _flush(self) -> None:
        if self._untested:
            self._print(untested_lines(self._untested, self.width))
        self._untested = []

    def _print(self, lines: Sequence[Text]) -> None:
        _print_unbroken(self._console, lines)

    def _begin(self) -> None:
        if self._heading:
            self._console.print(Text(self._heading, style="bold"), soft_wrap=True)
        self._heading = ""


def _print_unbroken(console: Console, lines: Sequence[Text]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)


def run_device(name: str, *, as_json: bool) -> ExitCode:
    """The attributes of one device as a table. Raises StemError."""
    found = survey(name)
    if as_json:
        print_json(found)
    else:
        console = wide_console()
        print_lines(console, device_tables(found))
        _print_unbroken(console, device_lines(found))
    return ExitCode.FAILED if found.verdict is Verdict.BROKEN else ExitCode.OK


def run_all(limit_seconds: float, *, as_json: bool) -> ExitCode:
    """All devices of the database, the worst first. Raises StemError."""
    devices = devices_of_database()
    tell(f"{len(devices)} devices, at most {limit_seconds:g} s")
    found = survey_all(devices, limit_seconds=limit_seconds)
    if as_json:
        print_json({"devices": found})
    else:
        console = wide_console()
        _print_unbroken(console, survey_lines(found))
        print_lines(console, survey_tables(found))
    return ExitCode.FAILED if any(one.verdict is Verdict.BROKEN for one in found) else ExitCode.OK
