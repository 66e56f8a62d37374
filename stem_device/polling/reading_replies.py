"""From the text of a reply to the reply, and whose turn it is to read a large one.

Reading holds the interpreter's lock: 8 MiB, of which nothing may be right, keep it for a second. So a large
reply is read by the thread of its target, for which no poll waits, and no two of them at one time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from stem_device.errors import ReplyError, StemError
from stem_device.model.reply import Reply
from stem_device.responses import parse_reply
from stem_device.responses.limits import KEPT_CHARACTERS

LARGE_CHARACTERS = 200_000
"""More than a server with full sample buffers and 500 subscriptions says; it takes some 3 ms to read."""


class Read(Struct, frozen=True):
    """What came of a text: a reply, or an error and then as much of the text as is kept."""

    text: str
    reply: Reply | None = None
    error: StemError | None = None


def read_reply(text: str) -> Read:
    """Read a text of any length."""
    try:
        return Read(text, reply=parse_reply(text))
    except ReplyError as unusable:
        # A new one: the traceback would keep all of the text, and what was made of it, in memory.
        return Read(text[:KEPT_CHARACTERS], error=ReplyError(unusable.key, unusable.reason))


class Turns:
    """Lets one large reply after the other be read, and besides one of a server whose last was unusable.

    So the poll has a third of the interpreter at the worst, and what is of use waits for nothing else.
    """

    def __init__(self) -> None:
        self._large = threading.Lock()
        self._suspect = threading.Lock()

    @contextmanager
    def to_ask(self, *, suspect: bool) -> Iterator[None]:
        """For a question to a suspect: its answer is read within, so that one of them is in memory."""
        if not suspect:
            yield
            return
        with self._suspect:
            yield

    def read(self, text: str, *, suspect: bool) -> Read | None:
        """What came of a large text; None of one that the poll reads itself, as it takes no time."""
        if len(text) <= LARGE_CHARACTERS:
            return None
        if suspect:
            return read_reply(text)
        with self._large:
            return read_reply(text)
