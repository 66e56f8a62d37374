"""Foreign text made harmless: names and errors come from servers, databases and files of others.

What enters a table, a log or a terminal goes through :func:`visible` where it comes in: the errors of this
package do it with their own words, recordings with theirs as they are read.
"""

from __future__ import annotations

import unicodedata

MARK = "\N{REPLACEMENT CHARACTER}"
# Controls (escapes of terminals begin with one), what turns the direction of writing, halves of pairs,
# private and unassigned characters, separators of lines and paragraphs.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """``text`` on one line, with U+FFFD in place of what cannot be seen or steers a terminal.

    Ends of lines and tabs become spaces.
    """
    if text.isprintable():
        return text
    return "".join(_harmless(character) for character in text)


def encodable(text: str) -> str:
    """``text`` with U+FFFD in place of halves of surrogate pairs, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _harmless(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return MARK if unicodedata.category(character) in _HARMFUL else character
