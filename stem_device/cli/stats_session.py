"""What ``stem stats`` does, once its arguments are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stem_device.analysis.verdict import Level
from stem_device.cli.exit_codes import ExitCode, FailOn
from stem_device.cli.json_output import print_json
from stem_device.cli.judging import selected_of, verdict_code
from stem_device.cli.stats_tables import stats_parts
from stem_device.cli.tables import print_lines, wide_console
from stem_device.reading import open_recording
from stem_device.statistics import summarise
from stem_device.statistics.why import findings_of


def run_stats(
    files: Sequence[Path],
    chosen: Mapping[str, Any],
    *,
    limit: int,
    as_json: bool,
    fail_on: FailOn | None = None,
) -> ExitCode:
    """Read, compute, print. ``chosen`` are arguments of ``Recording.select``. Raises StemError."""
    with open_recording([*files]) as recording:
        selected = selected_of(recording, chosen)
        statistics = replace(summarise(selected), findings=findings_of(selected))
    if as_json:
        print_json(statistics)
    else:
        print_lines(wide_console(), stats_parts(statistics, limit))
    return verdict_code(Level[statistics.verdict.level.upper()], fail_on)
