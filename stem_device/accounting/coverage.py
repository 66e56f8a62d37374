"""How many of the events have a timing sample, and whether somebody else takes them."""

from __future__ import annotations

from stem_device.model.poll import Answer
from stem_device.model.reply import SAMPLES_KEPT

DRAINED_SHARE = 0.8
"""Fewer samples than this share of those that must be there: somebody else has read them.

Not 1, since counters and samples of one reply are not taken at the very same moment. Half of it would miss
another monitor that reads as often as this one: that leaves half of the samples.
"""

FEWEST_EVENTS = 10
"""Of fewer nothing is said. At 5, two events that come between the two moments of a reply would be taken for
somebody else; at 20, who takes the samples of slow streams would not be noticed."""


class SampleAccount:
    """Samples against events of one server in one poll."""

    __slots__ = (
        "_was_sampling",
        "drained_by_others",
        "events",
        "publisher_samples",
        "sampled",
        "subscriber_samples",
    )

    def __init__(self) -> None:
        self._was_sampling = False
        self.hold()

    def update(self, answer: Answer, published: int, received: int) -> None:
        """Take the samples of an answer and the events published and received since the one before.

        Only a poll with sampling on at its beginning and its end is judged.
        """
        reply = answer.reply
        self.publisher_samples = len(reply.server.perf or ()) if reply and reply.server else 0
        self.subscriber_samples = len(reply.client.perf or ()) if reply and reply.client else 0
        judged = self._was_sampling and answer.sampling
        self._was_sampling = answer.sampling
        self.events = published + received if judged else 0
        self.sampled = (
            min(self.publisher_samples, published) + min(self.subscriber_samples, received) if judged else 0
        )
        self.drained_by_others = judged and (
            _drained(self.publisher_samples, published) or _drained(self.subscriber_samples, received)
        )

    def hold(self) -> None:
        """No answer: no samples, and no knowledge of the events."""
        self._was_sampling = False
        self.publisher_samples = self.subscriber_samples = self.events = self.sampled = 0
        self.drained_by_others = False


def _drained(samples: int, events: int) -> bool:
    expected = min(events, SAMPLES_KEPT)
    return expected >= FEWEST_EVENTS and samples < DRAINED_SHARE * expected
