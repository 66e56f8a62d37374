"""The timing samples of one poll as columns, and what they say in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stem_device.model.arrays import flags, floats, integers
from stem_device.model.poll import Answer
from stem_device.model.reply import PublisherSample, SubscriberSample
from stem_device.model.snapshot import Floats, Integers, PublisherSamples, SubscriberSamples, Timings


def collect(answers: Sequence[Answer]) -> tuple[PublisherSamples, SubscriberSamples]:
    """Gather the samples of all answers; ``server`` is the answer's index."""
    publisher, subscriber = _PublisherLists(), _SubscriberLists()
    for answer in answers:
        server = answer.reply.server if answer.reply else None
        client = answer.reply.client if answer.reply else None
        publisher.add(server.perf or [] if server else [])
        subscriber.add(client.perf or [] if client else [])
    return publisher.columns(), subscriber.columns()


def summarise(publisher: PublisherSamples, subscriber: SubscriberSamples) -> Timings:
    """Quantiles in seconds; NaN where there is no sample with a value."""
    latency = subscriber.first_callback_latency_micros
    median, latency_p99 = _quantiles(latency[~np.isnan(latency)], 0.5, 0.99)
    (processing_p99,) = _quantiles(subscriber.process_micros, 0.99)
    (push_p99,) = _quantiles(publisher.push_event_micros, 0.99)
    return Timings(
        latency_median_seconds=median,
        latency_p99_seconds=latency_p99,
        processing_p99_seconds=processing_p99,
        push_p99_seconds=push_p99,
    )


def _quantiles(micros: Floats | Integers, *shares: float) -> list[float]:
    """With linear interpolation, as ``np.quantile`` has them, which takes several times as long."""
    if not len(micros):
        return [float("nan")] * len(shares)
    ranks = np.multiply(shares, len(micros) - 1)
    found: list[float] = (np.interp(ranks, np.arange(len(micros)), np.sort(micros)) / 1e6).tolist()
    return found


class _PublisherLists:
    """Columns that grow server by server."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._since_last: list[int | None] = []
        self._push: list[int] = []

    def add(self, samples: list[PublisherSample]) -> None:
        """All columns of one server at once, while its samples are in the processor's cache."""
        self._counts.append(len(samples))
        self._since_last += [sample.micros_since_last_event for sample in samples]
        self._push += [sample.push_event_micros for sample in samples]

    def columns(self) -> PublisherSamples:
        return PublisherSamples(
            server=_server_of_each(self._counts),
            micros_since_last_event=floats(self._since_last),
            push_event_micros=integers(self._push),
        )


class _SubscriberLists:
    """Columns that grow server by server."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._attr_name: list[str] = []
        self._event_type: list[str | None] = []
        self._since_last: list[int | None] = []
        self._sleep: list[int] = []
        self._process: list[int] = []
        self._latency: list[int | None] = []
        self._callback_count: list[int] = []
        self._wake_count: list[int] = []
        self._discarded: list[bool] = []

    def add(self, samples: list[SubscriberSample]) -> None:
        """All columns of one server at once, while its samples are in the processor's cache."""
        self._counts.append(len(samples))
        self._attr_name += [sample.attr_name for sample in samples]
        self._event_type += [sample.event_type for sample in samples]
        self._since_last += [sample.micros_since_last_event for sample in samples]
        self._sleep += [sample.sleep_micros for sample in samples]
        self._process += [sample.process_micros for sample in samples]
        self._latency += [sample.first_callback_latency_micros for sample in samples]
        self._callback_count += [sample.callback_count for sample in samples]
        self._wake_count += [sample.wake_count for sample in samples]
        self._discarded += [sample.discarded for sample in samples]

    def columns(self) -> SubscriberSamples:
        return SubscriberSamples(
            server=_server_of_each(self._counts),
            attr_name=tuple(self._attr_name),
            event_type=tuple(self._event_type),
            micros_since_last_event=floats(self._since_last),
            sleep_micros=integers(self._sleep),
            process_micros=integers(self._process),
            first_callback_latency_micros=floats(self._latency),
            callback_count=integers(self._callback_count),
            wake_count=integers(self._wake_count),
            discarded=flags(self._discarded),
        )


def _server_of_each(counts: list[int]) -> Integers:
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)
