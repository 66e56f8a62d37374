"""From outcomes to replies and errors."""

from __future__ import annotations

import sys

from stem_device.errors import ReplyError
from stem_device.polling.answers import parse_outcomes
from stem_device.polling.worker import Outcome
from stem_device.responses.limits import KEPT_CHARACTERS


def test_a_text_that_cannot_be_used_is_not_kept_in_memory() -> None:
    counters = ",".join(f'"a/b/c/d{number}.change":1' for number in range(110_000))
    text = f'{{"version":1,"server":{{"event_counters":{{{counters}}},"perf":null}},"client":null}}'
    outcome = Outcome(poll=1, asked_utc_ns=1, asked_monotonic_ns=1, answered_monotonic_ns=2, text=text)
    before = sys.getrefcount(text)
    collected = parse_outcomes((outcome,))
    assert isinstance(collected.error, ReplyError)
    assert "entries" in collected.error.reason
    assert collected.texts == (text[:KEPT_CHARACTERS],)
    assert sys.getrefcount(text) == before
