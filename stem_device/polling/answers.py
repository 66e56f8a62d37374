"""From what came of the queries to replies."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from stem_device.errors import ReplyError, StemError
from stem_device.model.reply import Reply
from stem_device.polling.worker import KEPT_CHARACTERS, Outcome
from stem_device.responses import parse_reply


class Collected(Struct, frozen=True):
    """The outcomes of one target since the last poll, the replies in them parsed.

    ``replies`` are oldest first, each with its outcome; ``texts`` those of all.
    ``error`` is what is wrong with the latest, if anything.
    """

    replies: tuple[tuple[Outcome, Reply], ...]
    texts: tuple[str, ...]
    error: StemError | None
    outcomes: tuple[Outcome, ...]

    @property
    def last(self) -> Outcome | None:
        """The latest outcome, if there was any."""
        return self.outcomes[-1] if self.outcomes else None


def parse_outcomes(outcomes: Sequence[Outcome]) -> Collected:
    """Parse every text; those that cannot be used are kept, cut to KEPT_CHARACTERS."""
    replies: list[tuple[Outcome, Reply]] = []
    texts: list[str] = []
    error: StemError | None = None
    for outcome in outcomes:
        text, error = outcome.text, outcome.error
        if text is not None and error is None:
            try:
                replies.append((outcome, parse_reply(text)))
            except ReplyError as unusable:
                # A new one: the traceback would keep all of the text, and what was made of it, in memory.
                text, error = text[:KEPT_CHARACTERS], ReplyError(unusable.key, unusable.reason)
        if text is not None:
            texts.append(text)
    return Collected(tuple(replies), tuple(texts), error, tuple(outcomes))
