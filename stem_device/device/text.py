"""Text that Tango can carry: a DevString is Latin-1 and ends at NUL, and names come from foreign replies."""

from __future__ import annotations

from datetime import UTC, datetime

MAX_NAME_CHARACTERS = 256
MAX_SENTENCE_CHARACTERS = 600


def tango_text(text: str, limit: int = MAX_NAME_CHARACTERS) -> str:
    """Escape what is not printable Latin-1 as Python does (``\\n``, ``\\u2026``), and cut to ``limit``.

    A text that was cut ends with ``...``.
    """
    if not (text.isascii() and text.isprintable()):
        # Cut first: ten thousand characters of nonsense need not be escaped to be thrown away.
        text = "".join(map(_escaped, text[: limit + 1]))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _escaped(character: str) -> str:
    if character.isprintable() and ord(character) < 256:
        return character
    return character.encode("unicode_escape").decode("ascii")


def utc_text(utc_ns: int) -> str:
    """``2026-01-31 12:00:00 UTC``, or ``never`` for 0."""
    if utc_ns <= 0:
        return "never"
    return datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def count_text(count: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
