"""What ``stem why`` does, once its arguments are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from stem_device.analysis.causes import PHRASES, outcome_of
from stem_device.analysis.verdict import Verdict
from stem_device.analysis.wording import Words, sentence
from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.json_output import print_json
from stem_device.cli.judging import selected_of
from stem_device.cli.tables import print_lines, wide_console
from stem_device.model.finding import Cause, Finding
from stem_device.reading import open_recording
from stem_device.report.number_text import common_prefix, count, utc, without
from stem_device.statistics.verdict import judged
from stem_device.statistics.why import findings_of

SCHEMA = "stem-device causes"
SCHEMA_VERSION = 1


def run_why(files: Sequence[Path], chosen: Mapping[str, Any], *, limit: int, as_json: bool) -> ExitCode:
    """Read, compute, print. ``chosen`` are arguments of ``Recording.select``. Raises StemError."""
    with open_recording([*files]) as recording:
        selected = selected_of(recording, chosen)
        findings = findings_of(selected)
        polls = len(selected["polls"])
        verdict = None if as_json else judged(selected)
    if as_json:
        document = {"schema": SCHEMA, "version": SCHEMA_VERSION, "polls": polls, "findings": findings}
        print_json(document)
    elif verdict is not None:
        print_lines(wide_console(), _parts(verdict, findings, polls, limit))
    return ExitCode.OK


def _parts(
    verdict: Verdict, findings: Sequence[Finding], polls: int, limit: int
) -> list[RenderableType | None]:
    """The verdict, then why."""
    prefix = common_prefix([finding.server for finding in findings])
    headline = Text(sentence(verdict, Words(lambda name: without(prefix, name))))
    if not findings:
        return [headline, Text(f"There is no loss and no waiting to explain in {count(polls)} polls.")]
    shown = findings if not limit else findings[:limit]
    hidden = len(findings) - len(shown)
    parts: list[RenderableType | None] = [headline, *(_paragraph(finding, prefix) for finding in shown)]
    if hidden:
        parts.append(Text(f"... and {hidden:,} more (--limit 0 shows all)", style="dim"))
    return parts


def _paragraph(finding: Finding, prefix: str) -> RenderableType:
    likely = "likely " if finding.likely and finding.cause is not Cause.UNKNOWN else ""
    who = f"{finding.server} {outcome_of(finding)}"
    lines = (
        ("when", f"{utc(finding.since_utc_ns)} to {utc(finding.until_utc_ns)}, {finding.standing} then"),
        ("why", f"{likely}{PHRASES[finding.cause]}: {finding.sentence}"),
        ("evidence", ", ".join(f"{name} {value:.6g}" for name, value in finding.evidence.items())),
        ("advice", finding.advice),
    )
    return Group(
        Text(without(prefix, who), style="bold red" if finding.lost else "bold yellow"),
        *(Text(f"  {name:<9} {without(prefix, text)}") for name, text in lines if text),
    )
