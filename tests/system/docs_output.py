"""Whether a program printed what a page shows, apart from what differs from run to run."""

from __future__ import annotations

import re

_LEFT_OUT = "..."

_VARYING = (
    (re.compile(r"(?<![\w:/.])/[\w.+-]+(?:/[\w.+-]+)*/"), "/"),  # folders
    (re.compile(r"\d[\d.,:]*"), "0"),  # numbers, times, hosts with ports
    (re.compile(r"\b0 [kMG]?B\b"), "0 B"),
    (re.compile(r"\bgaps\b"), "gap"),
    (re.compile(r"[ \t]+"), " "),
)


def matches(shown: str, printed: str) -> bool:
    """Compare line by line: numbers, folders and the width of spaces may differ.

    A line ``...`` on the page stands for any lines, ``...`` in a line for any text.
    """
    return re.fullmatch("".join(map(_line_pattern, _lines(shown))), "".join(_lines(printed))) is not None


def _lines(text: str) -> list[str]:
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return [f"{line.strip()}\n" for line in text.strip("\n").split("\n")]


def _line_pattern(line: str) -> str:
    if line.strip() == _LEFT_OUT:
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*".join(re.escape(part) for part in line.split(_LEFT_OUT))
