"""What the doctor was asked and what it found, as data; documented in docs/reference/doctor.md."""

from __future__ import annotations

import enum

from msgspec import Struct

from stem_device.model.limits import DOCTOR_WAIT_SECONDS
from stem_device.model.topics import NO_DATABASE
from stem_device.text import visible

LINKS = (
    "environment",
    "database",
    "name",
    "exported",
    "address",
    "answers",
    "versions",
    "attribute",
    "polling",
    "read",
    "history",
    "subscription",
    "reply",
    "endpoints",
    "heartbeat",
    "wire",
    "criteria",
    "callback",
    "subscriber",
    "renewal",
)
"""The links of the chain in order; their numbers begin with 1."""


class Verdict(enum.StrEnum):
    """What is said of one link."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    NOT_TESTED = "not tested"


class Request(Struct, frozen=True, kw_only=True):
    """What somebody asked, as it was said. ``subscriber``: a server whose end is looked at too, or empty."""

    text: str
    event: str = "change"
    subscriber: str = ""
    wait_seconds: float = DOCTOR_WAIT_SECONDS


class Finding(Struct, frozen=True):
    """What a link came to. ``advice`` ends in something to type where the link is broken."""

    verdict: Verdict
    evidence: str
    advice: str = ""


class Examined(Struct, frozen=True):
    """One link with its finding."""

    number: int
    link: str
    verdict: Verdict
    evidence: str
    advice: str


class Broken(Struct, frozen=True):
    """Which link is the first broken one."""

    number: int
    link: str


class Diagnosis(Struct, frozen=True):
    """All links in order, and the first broken one."""

    attribute: str
    event: str
    broken: Broken | None
    links: tuple[Examined, ...]


def examined(number: int, finding: Finding) -> Examined:
    """``finding`` as that of the link with this number; what foreign servers said is made harmless."""
    return Examined(
        number, LINKS[number - 1], finding.verdict, visible(finding.evidence), visible(finding.advice)
    )


def diagnosis_of(request: Request, links: tuple[Examined, ...]) -> Diagnosis:
    """Put together what was found; links that were not reached were not tested."""
    first = next((link for link in links if link.verdict is Verdict.BROKEN), None)
    broken = None if first is None else Broken(first.number, first.link)
    reached = {link.number: link for link in links}
    why = f"link {broken.number}, {broken.link}, is broken" if broken else "not reached"
    untested = Finding(Verdict.NOT_TESTED, why)
    complete = tuple(reached.get(number) or examined(number, untested) for number in range(1, len(LINKS) + 1))
    return Diagnosis(request.text.strip(), request.event, broken, complete)


def ok(evidence: str) -> Finding:
    """Nothing is wrong with the link."""
    return Finding(Verdict.OK, evidence)


def warning(evidence: str, advice: str = "") -> Finding:
    """Something is strange that need not keep events away."""
    return Finding(Verdict.WARNING, evidence, advice)


def broken(evidence: str, advice: str) -> Finding:
    """This keeps events away."""
    return Finding(Verdict.BROKEN, evidence, advice)


def not_tested(evidence: str, advice: str = "") -> Finding:
    """It could not be tested, or there was nothing to test."""
    return Finding(Verdict.NOT_TESTED, evidence, advice)


def names_attribute(text: str) -> bool:
    """Whether a name is that of an attribute, and not of a device: by its parts, without asking anybody."""
    name = text.strip().removesuffix(NO_DATABASE).removesuffix("#dbase=yes")
    path = name.partition("//")[2].partition("/")[2] if name.lower().startswith("tango://") else name
    return len(path.split("/")) in {2, 4}
