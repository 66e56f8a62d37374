"""What the page on events quotes, to be compared with what is said of real servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "how-tango-events-work.md"

_WAY = re.compile(r"^### \d+\. .+?(?=^##)", re.M | re.S)
_CODE = re.compile(r"^Code `(\w+)`\.", re.M)
_QUOTE = re.compile(r"^> (.+)$", re.M)
_VARIES: Mapping[str, str] = {
    r"tcp://[\d.]+:\d+": "ENDPOINT",
    r"dserver/[\w-]+/[\w-]+": "SERVER",
    r", last busy with \w+": "",
    r"[\d,]*\.?\d+ (?:ms|s|min|h)\b": "TIME",
    r"[\d,]*\.?\d+": "NUMBER",
}


def quoted() -> dict[str, set[str]]:
    """The sentences of the page by code, without what varies."""
    found: dict[str, set[str]] = {}
    for way in _WAY.findall(PAGE.read_text() + "\n##"):
        code = _CODE.search(way)
        assert code is not None
        found.setdefault(code[1], set()).update(map(form, _QUOTE.findall(way)))
    return found


def form(sentence: str) -> str:
    """A sentence with names and numbers replaced."""
    for pattern, word in _VARIES.items():
        sentence = re.sub(pattern, word, sentence)
    return sentence
