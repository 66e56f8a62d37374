"""Several replies of one poll become one: the last counters, the samples of all in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import ReplyError
from stem_device.model.reply import (
    Dialect,
    PublisherReply,
    PublisherSample,
    Reply,
    SubscriberReply,
    SubscriberSample,
)
from stem_device.responses import encode_reply, merge_samples, parse_reply
from tests.unit.responses.reply_strategies import cpptango_replies, replies


def reply(counter: int, *pushes: int) -> Reply:
    samples = [PublisherSample(None, push) for push in pushes]
    received = [SubscriberSample("attr", None, 1, push, None, 1, 1, discarded=False) for push in pushes]
    return Reply(
        Dialect.CPPTANGO_1,
        PublisherReply({"stream": counter}, samples),
        SubscriberReply({}, [], {}, received),
    )


def test_last_counters_and_samples_oldest_first() -> None:
    merged = merge_samples([reply(3, 1, 2), reply(5), reply(9, 3)])
    assert merged == reply(9, 1, 2, 3)


def test_one_reply_is_itself() -> None:
    only = reply(3, 1)
    assert merge_samples([only]) is only


def test_no_reply_is_an_error() -> None:
    with pytest.raises(ReplyError):
        merge_samples([])


def test_sampling_switched_off_in_between_keeps_the_samples() -> None:
    off = Reply(Dialect.CPPTANGO_1, PublisherReply({"stream": 9}, None), SubscriberReply({}, [], {}, None))
    assert merge_samples([reply(3, 1, 2), off]) == reply(9, 1, 2)
    assert merge_samples([off, off]) == off


def test_sides_that_vanish_keep_their_samples() -> None:
    gone, whole = Reply(Dialect.CPPTANGO_1, None, None), reply(3, 1)
    assert whole.server is not None
    assert whole.client is not None
    merged = merge_samples([reply(3, 1), gone])
    assert merged.server == PublisherReply({}, whole.server.perf)
    assert merged.client == SubscriberReply({}, [], {}, whole.client.perf)
    assert merge_samples([reply(3), gone]) == gone


def test_the_replies_themselves_are_not_changed() -> None:
    first, last = reply(3, 1), reply(4, 2)
    merge_samples([first, last])
    assert (first, last) == (reply(3, 1), reply(4, 2))


def samples(one: Reply) -> tuple[int, int]:
    return (
        len(one.server.perf or ()) if one.server else 0,
        len(one.client.perf or ()) if one.client else 0,
    )


@given(st.lists(replies, min_size=1, max_size=4))
def test_no_sample_is_lost_or_doubled(parts: list[Reply]) -> None:
    counts = [samples(part) for part in parts]
    assert samples(merge_samples(parts)) == (sum(c[0] for c in counts), sum(c[1] for c in counts))


@given(st.lists(cpptango_replies, min_size=1, max_size=4))
def test_merged_reply_survives_the_way_back(parts: list[Reply]) -> None:
    merged = merge_samples(parts)
    assert parse_reply(encode_reply(merged)) == merged
