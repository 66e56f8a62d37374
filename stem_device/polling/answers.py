"""From what came of the queries to replies."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from stem_device.errors import StemError
from stem_device.model.reply import Reply
from stem_device.polling.reading_replies import read_reply
from stem_device.polling.worker import Outcome


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
    """Read every text that is not read yet; those that cannot be used are kept, cut to KEPT_CHARACTERS."""
    replies: list[tuple[Outcome, Reply]] = []
    texts: list[str] = []
    error: StemError | None = None
    for outcome in outcomes:
        text, error = outcome.text, outcome.error
        read = outcome.read
        if read is None and text is not None and error is None:
            read = read_reply(text)
        if read is not None:
            text, error = read.text, read.error
            if read.reply is not None:
                replies.append((outcome, read.reply))
        if text is not None:
            texts.append(text)
    return Collected(tuple(replies), tuple(texts), error, tuple(outcomes))
