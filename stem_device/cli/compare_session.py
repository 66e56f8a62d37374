"""What ``stem compare`` does, once its arguments are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from stem_device.cli.compare_tables import compare_parts
from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.json_output import print_json
from stem_device.cli.judging import with_moments
from stem_device.cli.selecting import files_of, parse_span
from stem_device.cli.tables import print_lines, wide_console
from stem_device.errors import OptionError
from stem_device.reading import Recording, open_recording
from stem_device.statistics import Comparison, Kind, compare

MOST_TOLD = 5


def run_compare(
    files: Sequence[Path],
    spans: tuple[str | None, str | None],
    chosen: Mapping[str, Any],
    *,
    fail_on: Sequence[str],
    ignore_overdue: bool = False,
    limit: int,
    as_json: bool,
) -> ExitCode:
    """Read, compare, print, judge. ``chosen`` are arguments of ``Recording.select``. Raises StemError."""
    with ExitStack() as stack:
        a, b = _sides(stack, files, spans)
        if any(chosen.values()):
            a, b = a.select(**chosen), b.select(**chosen)
        comparison = compare(a, b)
    if as_json:
        print_json(comparison)
    else:
        print_lines(wide_console(), compare_parts(comparison, limit))
    failed = [
        kind
        for kind in dict.fromkeys(fail_on)
        if _fails(comparison, Kind(kind), ignore_overdue=ignore_overdue)
    ]
    return ExitCode.WORSE if failed else ExitCode.OK


def _sides(
    stack: ExitStack, files: Sequence[Path], spans: tuple[str | None, str | None]
) -> tuple[Recording, Recording]:
    """A and B: two files, or two time spans of all files."""
    span_a, span_b = spans
    if span_a is None and span_b is None:
        if len(files) != 2:
            raise OptionError(
                "FILE",
                [*map(str, files)],
                "name two recordings, A and B; of several files each: a directory, or a pattern in quotes",
            )
        a, b = (stack.enter_context(open_recording(files_of(path))) for path in files)
        return a, b
    if span_a is None or span_b is None:
        missing = "--a" if span_a is None else "--b"
        raise OptionError(missing, None, "give both time spans, --a START/END and --b START/END")
    (start_a, end_a), (start_b, end_b) = parse_span("--a", span_a), parse_span("--b", span_b)
    every = [file for path in files for file in files_of(path)]
    recording = stack.enter_context(open_recording(every))
    spans_chosen = ({"start": start_a, "end": end_a}, {"start": start_b, "end": end_b})
    a, b = (recording.select(**with_moments(recording, chosen)) for chosen in spans_chosen)
    return a, b


def _fails(comparison: Comparison, kind: Kind, *, ignore_overdue: bool) -> bool:
    """Whether ``kind`` became worse; says what did, on standard error."""
    waiting = kind is Kind.MISSED and not ignore_overdue and comparison.overdue_appeared
    if waiting:
        tell(
            f"--fail-on missed: {comparison.b.overdue_at_end:,} events overdue at the end of B, none at that "
            "of A (--ignore-overdue lets that pass)"
        )
    failed = comparison.failed(kind)
    for change in failed[:MOST_TOLD]:
        where = " ".join(text for text in (change.server, change.stream) if text)
        tell(f"--fail-on {kind}: {where}{': ' if where else ''}{change.sentence}")
    if len(failed) > MOST_TOLD:
        tell(f"--fail-on {kind}: and {len(failed) - MOST_TOLD} more")
    return bool(failed) or waiting
