"""Hypothesis strategies for replies as a parser can bring them, for each dialect."""

from __future__ import annotations

from hypothesis import strategies as st

from stem_device.model.reply import (
    Dialect,
    EventCallback,
    EventChannel,
    NotConnected,
    PublisherReply,
    PublisherSample,
    Reply,
    SubscriberReply,
    SubscriberSample,
)

EPOCH = "1970-01-01T00:00:00"

counts = st.integers(0, 2**53)
signed = st.integers(-(2**53), 2**53)
texts = st.one_of(
    st.sampled_from(
        ["tango://h:10000/a/b/c/attr.change", 'quo"ted', "../../etc", "back\\slash", "é ☃ 𝄞", ""]
    ),
    st.text(max_size=20).filter(str.isprintable),
)
names = texts.filter(bool)


def optional(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def tables(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.dictionaries(names, values, max_size=4)


publishers = st.builds(
    PublisherReply,
    event_counters=tables(counts),
    perf=optional(st.lists(st.builds(PublisherSample, optional(counts), counts), max_size=4)),
)
channels = tables(st.builds(EventChannel, texts))
last_resubscribed = optional(texts.filter(lambda text: text != EPOCH))


def subscriber_samples(event_type: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        SubscriberSample,
        attr_name=texts,
        micros_since_last_event=optional(counts),
        sleep_micros=counts,
        process_micros=counts,
        first_callback_latency_micros=optional(signed),
        callback_count=counts,
        wake_count=counts,
        discarded=st.booleans(),
        event_type=event_type,
    )


def patched_sample(sample: SubscriberSample) -> SubscriberSample:
    return SubscriberSample(
        sample.attr_name,
        sample.micros_since_last_event,
        sample.sleep_micros,
        sample.process_micros,
        sample.first_callback_latency_micros,
        sample.callback_count,
        sample.wake_count,
        sample.event_type == "UNKNOWN",
        sample.event_type,
    )


def callbacks(discarded: st.SearchStrategy) -> st.SearchStrategy:
    return tables(
        st.builds(EventCallback, texts, counts, counts, counts, counts, discarded, last_resubscribed)
    )


cpptango_clients = st.builds(
    SubscriberReply,
    event_callbacks=callbacks(counts),
    not_connected=st.lists(st.builds(NotConnected, texts, texts, texts, texts, optional(texts)), max_size=3),
    event_channels=channels,
    perf=optional(st.lists(subscriber_samples(optional(texts)), max_size=4)),
)
event_types = st.sampled_from(["ATT_VALUE", "ATT_CONF", "ATT_READY", "DEV_INTR", "PIPE", "UNKNOWN"]) | texts
patched_clients = st.builds(
    SubscriberReply,
    event_callbacks=callbacks(st.none()),
    not_connected=st.just([]),
    event_channels=channels,
    perf=optional(st.lists(subscriber_samples(event_types).map(patched_sample), max_size=4)),
)
cpptango_replies = st.builds(
    Reply, dialect=st.just(Dialect.CPPTANGO_1), server=optional(publishers), client=optional(cpptango_clients)
)
patched_replies = st.builds(
    Reply, dialect=st.just(Dialect.PATCHED_9_5), server=optional(publishers), client=optional(patched_clients)
)
replies = cpptango_replies | patched_replies
