"""The page: one HTML file with everything in it, which asks nobody for anything.

A Content-Security-Policy with the hashes of the two scripts (plotly.js as it is unpacked) forbids every other
script and every request, so that a name which got through all escaping still could do nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from stem_device.analysis.causes import by_advice, cause_of, outcome_of
from stem_device.analysis.verdict import Verdict, Why
from stem_device.analysis.wording import WORDS
from stem_device.model.finding import Finding
from stem_device.report import number_text
from stem_device.report.page import limits
from stem_device.report.page.contents import tables
from stem_device.report.page.figures.canvas import import_plotly
from stem_device.report.page.figures.catalogue import Panel, panels
from stem_device.report.page.figures.style import DARK
from stem_device.report.page.findings import Findings
from stem_device.report.page.headline import headline
from stem_device.report.page.names import Naming
from stem_device.report.page.tables import TableOfCells, table_html
from stem_device.report.page.text import in_html, in_script

_SLOT = re.compile(r"\{\{(\w+)\}\}")


def page_html(findings: Findings, *, title: str, made: str) -> str:
    """The text of the page. ``title`` names the recording, ``made`` says by what the page was made."""
    plotly_js = str(import_plotly("offline").get_plotlyjs())
    page_js = _resource("page.js")
    drawn = tuple(panel for panel in panels(findings) if not panel.left_out)
    cells = tables(findings)
    return _filled(
        _resource("template.html"),
        {
            "policy": _policy(plotly_js, page_js),
            "title": in_html(title),
            "style": _resource("page.css"),
            "headline": in_html(headline(findings)),
            "why": _why(findings),
            "verdict": findings.evidence.verdict.level.word,
            "facts": in_html(_facts(findings)),
            "tiles": _tiles(findings),
            "navigation": _navigation(drawn, cells),
            "panels": "\n".join(_panel(panel) for panel in drawn),
            "tables": "\n".join(_table_section(table) for table in cells),
            "uncovered": _uncovered(findings),
            "made": in_html(made),
            "figures": "\n".join(_figure_data(panel) for panel in drawn),
            "colours": in_script(json.dumps(DARK)),
            "plotly": _packed(plotly_js),
            "script": page_js,
        },
    )


def _resource(name: str) -> str:
    return files("stem_device.report.page").joinpath(name).read_text(encoding="utf-8")


def _filled(template: str, slots: Mapping[str, str]) -> str:
    """The template with its ``{{slots}}`` filled, in one pass: what is filled in is not looked at again."""
    return _SLOT.sub(lambda match: slots[match[1]], template)


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"


def _packed(script: str) -> str:
    """Compressed, since plotly.js is 4.8 MB; ``page.js`` unpacks it. The same text at any time."""
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _why(findings: Findings) -> str:
    """A sentence for each loser, right under the headline; advice that they share once."""
    causes, naming = findings.evidence.why, Naming.of(findings.evidence)
    if not causes:
        return ""
    shown = causes[: limits.CAUSES]
    items = [
        f"<li>{in_html(line)}</li>"
        for advice, alike in by_advice(shown)
        for line in (*(_because(one, naming.prefix) for one in alike), f"What to do: {advice}")
    ]
    if len(causes) > len(shown):
        items.append(f"<li>And {len(causes) - len(shown):,} more subscriptions: stem why lists them.</li>")
    return f'<ul class="why">{"".join(items)}</ul>'


def _because(finding: Finding, prefix: str) -> str:
    text = f"{finding.server} {outcome_of(finding)}: {cause_of(finding)}"
    return number_text.without(prefix, text)


def _facts(findings: Findings) -> str:
    evidence = findings.evidence
    sources = "; ".join(
        " on ".join(part for part in (source.label or "recording", source.host) if part)
        for source in evidence.sources
    )
    if not len(evidence.polls.time_utc_ns):
        return sources
    begin, end = (
        number_text.utc(time)[:19].replace("T", " ") for time in (findings.begin_utc_ns, findings.end_utc_ns)
    )
    length = number_text.seconds((findings.end_utc_ns - findings.begin_utc_ns) / 1e9)
    prefix = Naming.of(evidence).prefix
    shared = f" All names are of {prefix}." if prefix else ""
    return (
        f"{sources}: {begin} to {end} UTC ({length}), {len(evidence.polls.time_utc_ns):,} polls."
        f"{shared} All times are in UTC."
    )


def _tiles(findings: Findings) -> str:
    line, verdict = findings.timeline, findings.evidence.verdict
    unaccounted = "unknown" if _has(verdict, Why.INCOMPLETE) else f"{verdict.unaccounted:,}"
    values = (
        ("published", f"{int(line.published.sum()):,}", "published", ""),
        ("received", f"{int(line.received.sum()):,}", "received", ""),
        ("missed", f"{'≥ ' if verdict.at_least else ''}{verdict.missed:,}", "missed", ""),
        ("unaccounted", unaccounted, "missed", ""),
        ("overdue at the end", _overdue(verdict), "overdue", _overdue_note(verdict)),
        ("known subscriptions", f"{verdict.coverage.subscriptions:,}", "", ""),
        ("servers", f"{len(findings.servers):,}", "", ""),
        ("runs", f"{len(findings.phases):,}", "", ""),
    )
    return "".join(
        f'<div class="tile {kind}"><b data-count="{word}">{value}</b><span>{word}{note}</span></div>'
        for word, value, kind, note in values
    )


def _has(verdict: Verdict, why: Why) -> bool:
    return any(finding.why is why for finding in verdict.uncovered)


def _overdue(verdict: Verdict) -> str:
    """Never 0 where it is not known."""
    if verdict.overdue or not verdict.overdue_unknown:
        return f"{verdict.overdue:,}"
    return "unknown"


def _overdue_note(verdict: Verdict) -> str:
    if not verdict.overdue_unknown:
        return ""
    return f", unknown of {WORDS.many(verdict.overdue_unknown, 'subscription')}"


def _navigation(drawn: Iterable[Panel], cells: Iterable[TableOfCells]) -> str:
    links = [(f"panel-{panel.name}", panel.title) for panel in drawn]
    links += [(f"section-{table.name}", table.title) for table in cells]
    links.append(("section-uncovered", "What is not covered"))
    return "".join(f'<a href="#{target}">{in_html(title)}</a>' for target, title in links)


def _panel(panel: Panel) -> str:
    head = f'<section class="panel" id="panel-{panel.name}"><h2>{in_html(panel.title)}</h2>'
    if not panel.pages:
        return f'{head}<p class="nothing">{in_html(panel.sentence)}</p></section>'
    controls = (_pager(panel) if len(panel.pages) > 1 else "") + (_layers(panel) if panel.layers else "")
    height = int(panel.pages[0].layout.height)
    return (
        f"{head}{controls}"
        f'<div class="figure" id="figure-{panel.name}" data-figure="{panel.name}" '
        f'style="min-height:{height}px"></div>'
        f'<p class="caption">{in_html(panel.caption)}</p></section>'
    )


def _pager(panel: Panel) -> str:
    return (
        f'<div class="pager" data-pages="{len(panel.pages)}" data-of="{panel.name}">'
        '<button type="button" data-step="-1">previous</button>'
        f"<output>page 1 of {len(panel.pages)}</output>"
        '<button type="button" data-step="1">next</button></div>'
    )


def _layers(panel: Panel) -> str:
    buttons = "".join(
        f'<button type="button" aria-pressed="{"false" if place else "true"}">{in_html(layer)}</button>'
        for place, layer in enumerate(panel.layers)
    )
    return f'<div class="layers" data-of="{panel.name}" role="group">{buttons}</div>'


def _table_section(table: TableOfCells) -> str:
    return (
        f'<section class="panel" id="section-{table.name}"><h2>{in_html(table.title)}</h2>'
        f'<label class="filter">Filter <input type="search" data-table="table-{table.name}"></label>'
        f"{table_html(table)}</section>"
    )


def _uncovered(findings: Findings) -> str:
    if not findings.uncovered:
        return (
            '<p class="nothing">Every poll was recorded, every server answered, every event was sampled.</p>'
        )
    shown = findings.uncovered[: limits.NOT_COVERED]
    items = "".join(f"<li><b>{in_html(item.subject)}</b> {in_html(item.sentence)}</li>" for item in shown)
    if len(findings.uncovered) > len(shown):
        items += f"<li>And {len(findings.uncovered) - len(shown):,} more.</li>"
    return f'<ul class="uncovered">{items}</ul>'


def _figure_data(panel: Panel) -> str:
    return "\n".join(
        f'<script type="application/json" id="data-{panel.name}-{page}">'
        f"{in_script(figure.to_json(validate=False))}</script>"
        for page, figure in enumerate(panel.pages)
    )
