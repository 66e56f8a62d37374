"""What ``stem validate``, ``recover``, ``import`` and ``export`` do, once their arguments are understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.json_output import print_json
from stem_device.cli.judging import with_moments
from stem_device.cli.long_work import progress_bar, run_to_the_end
from stem_device.errors import OptionError, RecordingError, TelemetryError, shown_path
from stem_device.reading import open_recording
from stem_device.reading.exporting import Format, export, format_of
from stem_device.reading.importing import Imported, ImportedTelemetry, import_lines, import_telemetry
from stem_device.reading.importing.telemetry import KINDS
from stem_device.reading.recovery import Recovery, recover
from stem_device.reading.validation import Finding, Severity, validate
from stem_device.recording.output_path import STANDARD_OUTPUT
from stem_device.text import visible


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to select, as ``Recording.select`` takes it."""

    start: str | None = None
    end: str | None = None
    servers: list[str] | None = None
    streams: list[str] | None = None
    run: str | None = None


VALIDATION_SCHEMA = "stem-device.validation"


def run_validate(files: Sequence[Path], *, as_json: bool = False) -> ExitCode:
    """One line a finding, and one a file; or one JSON object for all of them."""
    good = True
    documents = []
    for number, path in enumerate(files):
        with progress_bar("checking") as progress:
            progress(number / len(files))
            found = _findings(path)
        good = good and found is not None and not _violations(found)
        if as_json:
            documents.append(_validation_document(path, found))
            continue
        for one in found or ():
            print(f"{shown_path(path)}: {one.severity} {one.check} {one.where}: {one.message}")
        if found is not None:
            print(f"{shown_path(path)}: {_verdict(found)}")
    if as_json:
        print_json({"schema": VALIDATION_SCHEMA, "version": 1, "files": documents})
    return ExitCode.OK if good else ExitCode.FAILED


def _validation_document(path: Path, found: Sequence[Finding] | None) -> dict[str, Any]:
    violations = 0 if found is None else _violations(found)
    return {
        "file": visible(str(path)),
        "valid": found is not None and not violations,
        "violations": violations,
        "findings": None if found is None else [_finding_document(one) for one in found],
    }


def run_recover(path: Path, output: Path) -> ExitCode:
    """Raises StemError."""

    def report(result: Recovery) -> None:
        for sentence in result.lost:
            print(f"lost {sentence}")
        marks = f", {result.marks} of {result.marks_found} marks" if result.marks_found else ""
        print(f"recovered {result.polls} of {result.polls_found} polls{marks}")

    return run_to_the_end("recovering", lambda progress: recover(path, output, progress), report)


def run_import(files: Sequence[Path], output: Path, *, label: str | None, timezone: str) -> ExitCode:
    """Raises StemError."""
    directories = [path for path in files if path.is_dir()]
    if directories:
        recordings = [path for path in files if path not in directories]
        return _run_import_telemetry(recordings, directories, output, label)
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise OptionError(
            "--timezone", timezone, "must be the name of a time zone, as Europe/Berlin"
        ) from error

    def report(result: Imported) -> None:
        for note in result.notes:
            tell(note)
        print(
            f"imported {result.polls} polls and {result.marks} marks; "
            f"{result.skipped} lines skipped, {result.mended} mended"
        )

    return run_to_the_end(
        "importing",
        lambda progress: import_lines(files, output, label=label, zone=zone, progress=progress),
        report,
    )


def _run_import_telemetry(
    recordings: Sequence[Path], directories: Sequence[Path], output: Path, label: str | None
) -> ExitCode:
    if not recordings:
        if not any(any(directories[0].glob(f"{kind}*.csv")) for kind in KINDS):
            raise TelemetryError(str(directories[0]), "is a directory, and has no files of telemetry")
        raise OptionError(
            "FILE", str(directories[0]), "telemetry goes with a recording: name its file before the directory"
        )

    def report(result: ImportedTelemetry) -> None:
        if result.outside:
            tell(f"{result.outside} measurements are from before the first poll or after the last one")
        print(
            f"imported {result.measurements} measurements to {result.polls} polls and {result.marks} marks; "
            f"{result.skipped} lines skipped"
        )

    return run_to_the_end(
        "importing",
        lambda progress: import_telemetry(recordings, directories, output, label=label, progress=progress),
        report,
    )


def run_export(files: Sequence[Path], output: Path, form: str | None, wanted: Wanted) -> ExitCode:
    """Raises StemError."""
    if form is not None and form not in set(Format):
        raise OptionError("--format", form, f"must be {', '.join(Format)}")
    chosen = Format(form) if form else format_of(output)
    what = "lines" if chosen is Format.JSONL else "rows"
    with open_recording(files) as recording:
        view = recording.select(**with_moments(recording, asdict(wanted)))
        return run_to_the_end(
            "exporting",
            lambda progress: export(view, output, chosen, progress),
            lambda written: _tell_written(output, f"{written} {what}"),
        )


def _finding_document(one: Finding) -> dict[str, str]:
    return {"severity": str(one.severity), "check": one.check, "where": one.where, "message": one.message}


def _tell_written(output: Path, what: str) -> None:
    """Not on standard output if that is what was written."""
    if output == STANDARD_OUTPUT:
        tell(f"wrote {what}")
    else:
        print(f"{shown_path(output)}: {what}")


def _findings(path: Path) -> tuple[Finding, ...] | None:
    """None if it cannot be read, which is told; the other files are checked nevertheless."""
    try:
        return validate(path)
    except RecordingError as error:
        tell(str(error))
        return None


def _violations(found: Sequence[Finding]) -> int:
    return sum(one.severity is Severity.VIOLATION for one in found)


def _verdict(found: Sequence[Finding]) -> str:
    violations = _violations(found)
    notes = len(found) - violations
    said = [
        f"{number} {word}{'s' if number > 1 else ''}"
        for number, word in ((violations, "violation"), (notes, "note"))
        if number
    ]
    return ", ".join(said if violations else ["valid", *said])
