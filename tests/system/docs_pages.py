"""The documentation as the tests see it: pages, fenced blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "index.md"
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.M)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_NO_PART_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block; ``line`` is that of its fence, ``reason`` says why it cannot be run (empty: it can)."""

    language: str
    text: str
    line: int
    reason: str


def blocks(page: Path) -> tuple[Block, ...]:
    """All fenced blocks of a page, in order."""
    text = page.read_text()
    return tuple(
        Block(
            language=match["language"],
            text=match["text"],
            line=text.count("\n", 0, match.start("language")) + 1,
            reason=match["reason"] or "",
        )
        for match in _BLOCK.finditer(text)
    )


def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    headings = _HEADING.findall(_without_blocks(page))
    return frozenset(_NO_PART_OF_AN_ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """(target, anchor) of every relative link and picture; the anchor may be empty."""
    for link in _LINK.findall(_INLINE_CODE.sub("", _without_blocks(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        yield ((page.parent / path).resolve() if path else page), anchor


def _without_blocks(page: Path) -> str:
    return _BLOCK.sub("", page.read_text())
