"""What the doctor found, as lines and tables. Needs the extra "cli"."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.doctor.diagnosis import Diagnosis, Examined, Request, Verdict
from stem_device.doctor.survey import AttributeRow, DeviceSurvey

_STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.BROKEN: "bold red",
    Verdict.NOT_TESTED: "dim",
}
_WORDS = {Verdict.BROKEN: "BROKEN", Verdict.WARNING: "warning", Verdict.OK: "ok", Verdict.NOT_TESTED: "-"}
_INDENT = " " * 27
LEAST_COLUMNS = 50


def title(request: Request) -> str:
    """The first line."""
    return f"{request.text.strip()}, {request.event} events"


def untested_lines(links: Sequence[Examined], width: int) -> list[Text]:
    """Links in a row that were not tested for the same reason."""
    if len(links) == 1:
        return link_lines(links[0], width)
    first, *more = _wrapped(links[0].evidence, width)
    span = f"{links[0].number:2} to {links[-1].number}"
    head = Text(f"{span:17} ").append(f"{_WORDS[Verdict.NOT_TESTED]:9}", style=_STYLES[Verdict.NOT_TESTED])
    return [head.append(first), *(Text(f"{_INDENT}{line}") for line in more)]


def link_lines(link: Examined, width: int) -> list[Text]:
    """One link; wrapped at ``width``, or not where that is 0. The advice is that of a link that is not ok."""
    head = Text(f"{link.number:2} {link.link:14} ")
    head.append(f"{_WORDS[link.verdict]:9}", style=_STYLES[link.verdict])
    first, *more = _wrapped(link.evidence, width)
    lines = [head.append(first), *(Text(f"{_INDENT}{line}") for line in more)]
    if link.advice and link.verdict in {Verdict.BROKEN, Verdict.WARNING}:
        lines += [Text(f"{_INDENT}{line}", style="bold") for line in _wrapped(f"-> {link.advice}", width)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    text = " ".join(text.split())
    if not width:
        return [text]
    return textwrap.wrap(
        text, max(LEAST_COLUMNS, width) - len(_INDENT), break_on_hyphens=False, break_long_words=False
    ) or [""]


def conclusion_lines(diagnosis: Diagnosis) -> list[Text]:
    """The verdict on the whole chain; a command to type stands on a line of its own."""
    first = diagnosis.broken
    if first is None:
        weak = [f"{link.number} {link.link}" for link in diagnosis.links if link.verdict is Verdict.WARNING]
        also = f"; warnings: {', '.join(weak)}" if weak else ""
        lines = [Text(f"No link is broken{also}.", style="bold green")]
    else:
        link = diagnosis.links[first.number - 1]
        lines = [Text(f"Broken: link {first.number}, {first.link}: {link.evidence}.", style="bold red")]
        lines += [Text(link.advice, style="bold")]
    subscribed = diagnosis.links[11].verdict is Verdict.OK
    kept = "The doctor's subscription is gone; the server counts its stream for 600 s more."
    return [Text(), *lines, *([Text(kept, style="dim")] if subscribed else [])]


def device_tables(found: DeviceSurvey) -> list[RenderableType | None]:
    """The attributes of one device, worst first; nothing where it cannot be reached."""
    if found.link:
        return []
    return [Group(Text(f"{found.device}: {found.evidence}", style="bold"), _attributes(_worst_first(found)))]


def device_lines(found: DeviceSurvey) -> list[Text]:
    """What to do about them, below; lines that only the terminal may break, so that a copy of them works."""
    if found.link:
        return _broken_device(found)
    given = [Text(f"{row.name}: {row.advice}") for row in _worst_first(found) if row.advice]
    kept = Text("The server counts the streams that it was asked about for 600 s more.", style="dim")
    return [Text(), *given, *([Text()] if given else []), kept]


def _worst_first(found: DeviceSurvey) -> list[AttributeRow]:
    return sorted(found.attributes, key=lambda row: (_rank(row.verdict), row.name.lower()))


def _attributes(rows: Sequence[AttributeRow], prefix: Sequence[str] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold dim")
    for heading in (*(["DEVICE"] if prefix else []), "ATTRIBUTE", "EVENTS", "SENT BY", "CRITERIA", "MISSING"):
        table.add_column(heading, overflow="fold")
    for index, row in enumerate(rows):
        table.add_row(
            *([Text(prefix[index])] if prefix else []),
            Text(row.name, style=_STYLES[row.verdict]),
            Text(", ".join(row.events) or "-"),
            Text(_sent_by(row)),
            Text("; ".join(f"{kind}: {words}" for kind, words in row.criteria.items()) or "-"),
            Text(row.missing or "-", style=_STYLES[row.verdict] if row.missing else ""),
        )
    return table


def _sent_by(row: AttributeRow) -> str:
    if row.polled_seconds:
        return f"polling, {row.polled_seconds:g} s"
    return {True: "its code", False: "nothing", None: "not known"}[row.pushed]


def _broken_device(found: DeviceSurvey) -> list[Text]:
    told = Text(f"{found.device}: link {found.link} is broken: {found.evidence}", style="bold red")
    return [told, Text(found.advice, style="bold")]


def survey_lines(found: Sequence[DeviceSurvey]) -> list[Text]:
    """Devices that cannot be reached, and what to do about each."""
    return [line for one in found if one.link for line in (*_broken_device(one), Text())]


def survey_tables(found: Sequence[DeviceSurvey]) -> list[RenderableType | None]:
    """Attributes with something missing, then how many devices there are of each kind."""
    pairs = [
        (one.device, row)
        for one in found
        for row in one.attributes
        if row.verdict in {Verdict.BROKEN, Verdict.WARNING}
    ]
    pairs.sort(key=lambda pair: (_rank(pair[1].verdict), pair[0], pair[1].name))
    unreachable = sum(bool(one.link) for one in found)
    skipped = sum(one.verdict is Verdict.NOT_TESTED for one in found)
    lacking = len({device for device, _ in pairs})
    rest = f", {skipped} not reached in time" if skipped else ""
    counts = f"{unreachable} cannot be reached, {lacking} lack something"
    fine = len(found) - unreachable - skipped - lacking
    return [
        _attributes([row for _, row in pairs], [device for device, _ in pairs]) if pairs else None,
        Text(f"{len(found)} devices: {counts}, {fine} in order{rest}", style="bold"),
    ]


def _rank(verdict: Verdict) -> int:
    return [Verdict.BROKEN, Verdict.WARNING, Verdict.NOT_TESTED, Verdict.OK].index(verdict)
