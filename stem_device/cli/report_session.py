"""What ``stem report`` does, once its arguments are understood."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from stem_device.cli.exit_codes import ExitCode, FailOn
from stem_device.cli.failures import tell
from stem_device.cli.judging import selected_of, verdict_code
from stem_device.errors import OptionError, RecordingError, shown_path
from stem_device.reading import open_recording
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.output_path import (
    STANDARD_OUTPUT,
    output_file,
    output_folder,
    refuse_standard_output,
)
from stem_device.report import number_text
from stem_device.report.page.figures.catalogue import FIGURES, Panel, panel
from stem_device.report.page.findings import Findings, find
from stem_device.report.page.gather import gather
from stem_device.report.page.html_page import page_html
from stem_device.report.page.images import FORMATS, image_bytes

DEFAULT_PAGE = Path("report.html")


@dataclass(frozen=True, slots=True)
class ReportArguments:
    """As the command line has them; None and empty are "not given"."""

    files: tuple[Path, ...]
    output: Path | None = None
    start: str | None = None
    end: str | None = None
    servers: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None
    run: str | None = None
    image_format: str | None = None
    figures: tuple[str, ...] = ()
    fail_on: FailOn | None = None


def run_report(arguments: ReportArguments) -> ExitCode:
    """Read, compute, write; say on standard error what was written, and judge. Raises StemError."""
    _check(arguments)
    findings = _findings(arguments)
    if arguments.image_format is None:
        _write_page(findings, arguments)
    else:
        _write_images(findings, arguments, arguments.image_format)
    return verdict_code(findings.evidence.verdict.level, arguments.fail_on)


def _check(arguments: ReportArguments) -> None:
    if arguments.image_format not in (None, *FORMATS):
        raise OptionError("--format", arguments.image_format, f"must be one of {', '.join(FORMATS)}")
    if arguments.figures and arguments.image_format is None:
        raise OptionError("--figure", arguments.figures[0], "single figures need a --format: png, svg or pdf")
    for name in arguments.figures:
        if name not in FIGURES:
            raise OptionError("--figure", name, f"must be one of {', '.join(FIGURES)}")
    _check_output(arguments)
    output = arguments.output or DEFAULT_PAGE
    if output.resolve() in {path.resolve() for path in arguments.files}:
        raise OptionError("--output", str(output), "this is the recording itself")


def _check_output(arguments: ReportArguments) -> None:
    """Before anything is computed."""
    if arguments.image_format is not None:
        refuse_standard_output(arguments.output or Path(), "there may be several images")
        output_folder(arguments.output or Path())
    elif arguments.output != STANDARD_OUTPUT:
        output_file(arguments.output or DEFAULT_PAGE, or_standard_output=True)


def _findings(arguments: ReportArguments) -> Findings:
    with open_recording([*arguments.files]) as recording:
        chosen = {
            "start": arguments.start,
            "end": arguments.end,
            "servers": arguments.servers,
            "streams": arguments.streams,
            "run": arguments.run,
        }
        return find(gather(selected_of(recording, chosen)))


def _write_page(findings: Findings, arguments: ReportArguments) -> None:
    path = arguments.output or DEFAULT_PAGE
    made = f"Made by stem-device {version('stem-device')}. All of it is in this file: it needs no network."
    page = page_html(findings, title=_title(arguments), made=made).encode()
    _write(path, page)


def _title(arguments: ReportArguments) -> str:
    names = [path.name for path in arguments.files]
    title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    chosen = (
        ("from", arguments.start),
        ("to", arguments.end),
        ("servers", ", ".join(arguments.servers or ())),
        ("streams", ", ".join(arguments.streams or ())),
        ("run", arguments.run),
    )
    return ", ".join((title, *(f"{word} {value}" for word, value in chosen if value)))


def _write_images(findings: Findings, arguments: ReportArguments, image_format: str) -> None:
    folder = output_folder(arguments.output or Path())
    drawn = tuple(_wanted(findings, arguments.figures))
    for one, image in zip(drawn, image_bytes(drawn, image_format), strict=True):
        _make(folder)
        _write(folder / f"{one.name}.{image_format}", image)


def _make(folder: Path) -> None:
    """The folder that was asked for, and none above it."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RecordingError(folder, "create", explain_output(error, folder)) from error


def _wanted(findings: Findings, names: tuple[str, ...]) -> Iterable[Panel]:
    """Those that were asked for; else all that have something to show."""
    if names:
        return (panel(name, findings) for name in dict.fromkeys(names))
    every = [panel(name, findings) for name in FIGURES]
    return [one for one in every if one.pages] or every[:1]


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: a page that somebody looks at is never half written."""
    if path == STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    target = output_file(path, or_standard_output=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise RecordingError(path, "write", explain_output(error, target)) from error
    tell(f"wrote {shown_path(path)} ({number_text.size(len(content))})")
