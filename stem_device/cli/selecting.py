"""Selections of a recording, as options of the command line give them."""

from __future__ import annotations

from stem_device.errors import OptionError


def parse_span(option: str, text: str) -> tuple[str | None, str | None]:
    """``START/END`` -> the two texts; one of them may be empty. Raises OptionError."""
    start, slash, end = text.partition("/")
    if not slash or not (start.strip() or end.strip()):
        raise OptionError(option, text, "must be START/END, two times with a slash between them")
    return start.strip() or None, end.strip() or None
