"""The short cut for a subscription that just goes on gives what the rules give."""

import hypothesis.strategies as st
from hypothesis import given, settings
from replies import PUBLISHER, STREAM, TOPIC

from stem_device.accounting.stream import StreamAccount
from stem_device.accounting.subscription import SubscriptionAccount
from stem_device.model.reply import EventCallback


class WithoutShortCut(SubscriptionAccount):
    __slots__ = ()

    def _is_plain_progress(self, *_):
        return False


# Mostly steps in which as many were received as were pushed, so that the short cut is taken.
STEPS = st.tuples(
    st.integers(0, 5),
    st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1, -3]),
    st.sampled_from([0, 0, 0, 0, 0, 0, 1]),
    st.sampled_from([0, 0, 0, 0, 0, 0, 1, None]),
    st.sampled_from([None, None, None, "2026-11-22T03:12:31"]),
    st.sampled_from(["a", "a", "a", "a", "b"]),
    st.integers(0, 6),
    st.sampled_from([1, 1, 1, 2]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=12), st.booleans(), st.integers(0, 3))
def test_the_short_cut_agrees_with_the_rules(steps, monitored, start):
    stream = StreamAccount(STREAM, start + 1, baseline=True) if monitored else None
    first = EventCallback(PUBLISHER, 1, start, start, 0, 0, None)
    quick, thorough = (
        kind(TOPIC, first, "a", stream, baseline=True) for kind in (SubscriptionAccount, WithoutShortCut)
    )
    c = e = start
    m = 0
    for pushed, excess, gaps, discarded, since, endpoint, published, callbacks in steps:
        c, e, m = max(c + pushed, 0), max(e + pushed + excess, 0), m + gaps
        if stream is not None:
            stream.update(stream.pushed + published + 1 if published < 6 else 1)
        now = EventCallback(PUBLISHER, callbacks, c, e, m, discarded, since)
        quick.update(now, endpoint, stream)
        thorough.update(now, endpoint, stream)
        assert quick.record == thorough.record
        assert quick.advanced == thorough.advanced
