"""The timing samples of one poll as columns, and what they say in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from functools import partial

import numpy as np

from stem_device.model.arrays import by_field, flags, floats, integers
from stem_device.model.poll import Answer
from stem_device.model.reply import PublisherSample, SubscriberSample
from stem_device.model.sample_timings import LATENCY, PROCESSING, PUSH, SampleTiming, counted
from stem_device.model.snapshot import Integers, PublisherSamples, SubscriberSamples, Timings


def collect(answers: Sequence[Answer]) -> tuple[PublisherSamples, SubscriberSamples]:
    """Gather the samples of all targets' answers; ``server`` is the answer's index."""
    replies = [None if answer.followed else answer.reply for answer in answers]
    servers = [reply.server if reply else None for reply in replies]
    clients = [reply.client if reply else None for reply in replies]
    return (
        _publisher_columns([server.perf or [] if server else [] for server in servers]),
        _subscriber_columns([client.perf or [] if client else [] for client in clients]),
    )


def summarise(publisher: PublisherSamples, subscriber: SubscriberSamples) -> Timings:
    """Quantiles in seconds; NaN where there is no sample with a value."""
    median, latency_p99 = _quantiles(LATENCY, subscriber, 0.5, 0.99)
    (processing_p99,) = _quantiles(PROCESSING, subscriber, 0.99)
    (push_p99,) = _quantiles(PUSH, publisher, 0.99)
    return Timings(
        latency_median_seconds=median,
        latency_p99_seconds=latency_p99,
        processing_p99_seconds=processing_p99,
        push_p99_seconds=push_p99,
    )


def _quantiles(
    timing: SampleTiming, samples: PublisherSamples | SubscriberSamples, *shares: float
) -> list[float]:
    """With linear interpolation, as ``np.quantile`` has them, which takes several times as long."""
    _, micros = counted(timing, partial(getattr, samples))
    if not len(micros):
        return [float("nan")] * len(shares)
    ranks = np.multiply(shares, len(micros) - 1)
    found: list[float] = (np.interp(ranks, np.arange(len(micros)), np.sort(micros)) / 1e6).tolist()
    return found


def _publisher_columns(of_servers: list[list[PublisherSample]]) -> PublisherSamples:
    samples = [sample for own in of_servers for sample in own]
    return PublisherSamples(
        server=_server_of_each(of_servers),
        micros_since_last_event=floats([sample.micros_since_last_event for sample in samples]),
        push_event_micros=integers([sample.push_event_micros for sample in samples]),
    )


def _subscriber_columns(of_servers: list[list[SubscriberSample]]) -> SubscriberSamples:
    columns = by_field(SubscriberSample, of_servers)
    return SubscriberSamples(
        server=_server_of_each(of_servers),
        attr_name=tuple(columns["attr_name"]),
        event_type=tuple(columns["event_type"]),
        micros_since_last_event=floats(columns["micros_since_last_event"]),
        sleep_micros=integers(columns["sleep_micros"]),
        process_micros=integers(columns["process_micros"]),
        first_callback_latency_micros=floats(columns["first_callback_latency_micros"]),
        callback_count=integers(columns["callback_count"]),
        wake_count=integers(columns["wake_count"]),
        discarded=flags(columns["discarded"]),
    )


def _server_of_each(of_servers: Sequence[Sized]) -> Integers:
    return np.repeat(np.arange(len(of_servers), dtype=np.int64), [len(own) for own in of_servers])
