"""What ``stem runs`` does, once its arguments are understood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.json_output import print_json
from stem_device.cli.runs_tables import runs_tables
from stem_device.reading import open_recording
from stem_device.runs import QUEUED_MARKS
from stem_device.runs.document import document, runs_report

WIDTH_IN_A_PIPE = 160


def run_runs(
    files: Sequence[Path],
    expressions: Sequence[str],
    *,
    group: str | None,
    queued: Sequence[str] | None,
    limit: int,
    as_json: bool,
) -> ExitCode:
    """Read, compute, print. Raises StemError."""
    with open_recording([*files]) as recording:
        if not len(recording["marks"]):
            recording.check_polls()
        report = runs_report(recording, expressions, queued_marks=queued or QUEUED_MARKS, device_group=group)
        if as_json:
            print_json(document(report))
        else:
            _console().print(runs_tables(report, limit))
    return ExitCode.OK


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_IN_A_PIPE)
