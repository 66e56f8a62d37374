"""Timing of the events, from samples."""

from __future__ import annotations

from stem_device.device.attributes.spec import (
    AttributeSpec,
    told,
)

TIMINGS: tuple[AttributeSpec, ...] = (
    told("latencyMedian", "Latency, median"),
    told("latencyP99", "Latency, 99 %"),
    told("processingTimeP99", "Processing time, 99 %"),
    told("pushTimeP99", "Push time, 99 %"),
    told("sampleCoverage", "Sample coverage", form="%.3f"),
    AttributeSpec(
        name="performanceMonitoring",
        dtype="DevBoolean",
        label="Performance monitoring",
        unit="boolean",
        doc="Whether event timing is to be sampled on the targets: by MonitorPerformance, by "
        "StartPerformanceMonitoring, or because a recording is running.",
        value=lambda view: view.sampling_wanted,
    ),
    told("sampledServers", "Sampled servers", expert=True),
    told("drainedServers", "Drained servers", expert=True),
)
