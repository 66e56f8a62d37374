"""Timing of the events, from samples."""

from __future__ import annotations

from stem_device.device.attributes.spec import AttributeSpec, count, of_poll, seconds

TIMINGS: tuple[AttributeSpec, ...] = (
    seconds(
        "latencyMedian",
        "Latency, median",
        "From the event's time stamp to the first callback, median over the samples of this poll. The "
        "difference of two machines' clocks: it may be biased or negative. Invalid without samples.",
        lambda polled: polled.snapshot.timings.latency_median_seconds,
    ),
    seconds(
        "latencyP99",
        "Latency, 99 %",
        "As latencyMedian, 99 % quantile.",
        lambda polled: polled.snapshot.timings.latency_p99_seconds,
    ),
    seconds(
        "processingTimeP99",
        "Processing time, 99 %",
        "Time that a subscriber spent in all callbacks of one event, 99 % quantile over the samples of this "
        "poll. Invalid without samples.",
        lambda polled: polled.snapshot.timings.processing_p99_seconds,
    ),
    seconds(
        "pushTimeP99",
        "Push time, 99 %",
        "Time that a publisher spent to push one event, 99 % quantile over the samples of this poll. Invalid "
        "without samples.",
        lambda polled: polled.snapshot.timings.push_p99_seconds,
    ),
    AttributeSpec(
        name="sampleCoverage",
        dtype="DevDouble",
        label="Sample coverage",
        unit="ratio",
        format="%.3f",
        doc="Share of the events that have a timing sample, 0 to 1. Invalid while nothing is sampled.",
        value=of_poll(lambda polled: polled.snapshot.sample_coverage),
    ),
    AttributeSpec(
        name="performanceMonitoring",
        dtype="DevBoolean",
        label="Performance monitoring",
        unit="boolean",
        doc="Whether event timing is to be sampled on the targets: by MonitorPerformance, by "
        "StartPerformanceMonitoring, or because a recording is running.",
        value=lambda view: view.sampling_wanted,
    ),
    count(
        "sampledServers",
        "Sampled servers",
        "servers",
        "Monitored servers on which sampling is on, whoever switched it on.",
        lambda polled: polled.digest.sampling,
        expert=True,
    ),
    count(
        "drainedServers",
        "Drained servers",
        "servers",
        "Servers whose samples seem to be read by somebody else as well; Status names them.",
        lambda polled: polled.digest.drained,
        expert=True,
    ),
)
