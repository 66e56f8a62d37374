"""The timing samples of one poll as columns, and what they say in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from stem_device.model.poll import Answer
from stem_device.model.reply import PublisherSample, SubscriberSample
from stem_device.model.snapshot import Floats, Integers, PublisherSamples, SubscriberSamples, Timings


def collect(answers: Sequence[Answer]) -> tuple[PublisherSamples, SubscriberSamples]:
    """Gather the samples of all answers; ``server`` is the answer's index."""
    publisher: list[PublisherSample] = []
    subscriber: list[SubscriberSample] = []
    publisher_counts, subscriber_counts = [], []
    for answer in answers:
        server = answer.reply.server if answer.reply else None
        client = answer.reply.client if answer.reply else None
        publisher_perf = server.perf or [] if server else []
        subscriber_perf = client.perf or [] if client else []
        publisher += publisher_perf
        subscriber += subscriber_perf
        publisher_counts.append(len(publisher_perf))
        subscriber_counts.append(len(subscriber_perf))
    indices = np.arange(len(answers), dtype=np.int64)
    return (
        _publisher_columns(publisher, np.repeat(indices, publisher_counts)),
        _subscriber_columns(subscriber, np.repeat(indices, subscriber_counts)),
    )


def summarise(publisher: PublisherSamples, subscriber: SubscriberSamples) -> Timings:
    """Quantiles in seconds; NaN where there is no sample with a value."""
    latency = subscriber.first_callback_latency_micros
    latency = latency[~np.isnan(latency)]
    return Timings(
        latency_median_seconds=_quantile(latency, 0.5),
        latency_p99_seconds=_quantile(latency, 0.99),
        processing_p99_seconds=_quantile(subscriber.process_micros, 0.99),
        push_p99_seconds=_quantile(publisher.push_event_micros, 0.99),
    )


def _quantile(micros: Floats | Integers, share: float) -> float:
    return float(np.quantile(micros, share)) / 1e6 if len(micros) else float("nan")


def _publisher_columns(samples: list[PublisherSample], server: Integers) -> PublisherSamples:
    return PublisherSamples(
        server=server,
        micros_since_last_event=_floats(samples, "micros_since_last_event"),
        push_event_micros=_integers(samples, "push_event_micros"),
    )


def _subscriber_columns(samples: list[SubscriberSample], server: Integers) -> SubscriberSamples:
    return SubscriberSamples(
        server=server,
        attr_name=tuple(map(attrgetter("attr_name"), samples)),
        event_type=tuple(map(attrgetter("event_type"), samples)),
        micros_since_last_event=_floats(samples, "micros_since_last_event"),
        sleep_micros=_integers(samples, "sleep_micros"),
        process_micros=_integers(samples, "process_micros"),
        first_callback_latency_micros=_floats(samples, "first_callback_latency_micros"),
        callback_count=_integers(samples, "callback_count"),
        wake_count=_integers(samples, "wake_count"),
        discarded=np.fromiter(map(attrgetter("discarded"), samples), np.bool_, len(samples)),
    )


def _floats(samples: Sequence[object], field: str) -> Floats:
    """None becomes NaN."""
    return np.array(list(map(attrgetter(field), samples)), dtype=np.float64)


def _integers(samples: Sequence[object], field: str) -> Integers:
    return np.fromiter(map(attrgetter(field), samples), np.int64, len(samples))
