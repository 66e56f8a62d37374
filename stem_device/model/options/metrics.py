"""Options of metrics of users: what a monitor takes from whom."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Count, Texts
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class MetricsOptions(OptionGroup):
    """What :mod:`stem_device.user_metrics` needs."""

    extra_attributes: tuple[str, ...] = option(
        (),
        Texts("attribute"),
        "Attributes whose values are recorded and exported beside the event numbers, as sys/tg_test/1/ampli: "
        "by their change events where they have some, else read as often as targets are asked.",
        flags=("--extra-attribute",),
        help_text="Record and export the values of this attribute too; may be given several times.",
    )
    metric_attributes: tuple[str, ...] = option(
        (),
        Texts("metric"),
        "Metrics of users that this device shows as attributes of its own, one a line, as "
        'queueLength=queue/length{host="rack-1"}: name of the attribute, metric, labels that its series must '
        "have; AddMetricAttribute writes it too.",
        flags=(),  # only a device has attributes
    )
    max_metric_series: int = option(
        10_000,
        Count(),
        "How many series of users' metrics (a name with its labels, of one process) are taken within an "
        "hour; points of others are rejected. 0 takes none at all.",
        help_text="Series of users' metrics that are taken within an hour; 0 takes none.",
    )
    max_metric_rate: int = option(
        200_000,
        Count(1, or_zero=True),
        "How many points of users' metrics a second are taken from one process, on average over two seconds; "
        "those beyond are rejected. 0 is no limit.",
        help_text="Points a second of users' metrics that are taken from one process; 0 is no limit.",
    )
