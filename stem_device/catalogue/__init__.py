"""The catalogue: every quantity that is told, as data, and its values from a Snapshot.

Attributes, JSON, Prometheus, OTLP, OpenTSDB, Elasticsearch and dashboards say the same of each.
"""

from stem_device.catalogue.monitor_state import MonitorState
from stem_device.catalogue.per_row import PerRow
from stem_device.catalogue.quantities import QUANTITIES
from stem_device.catalogue.quantity import PREFIX, Kind, Quantity, Spread, Value
from stem_device.catalogue.scope import MAX_SUBSCRIPTIONS, Details, Labels, Scope, device_and_name
from stem_device.catalogue.series import (
    Accumulation,
    Number,
    Point,
    PollSeries,
    Sample,
    Series,
    bound_text,
    numbers_of,
    samples_of,
    series_of,
)
from stem_device.catalogue.user_metrics import (
    MEANING,
    labels_of,
    named_for_prometheus,
    sent_points,
    user_series,
)

__all__ = [
    "MAX_SUBSCRIPTIONS",
    "MEANING",
    "PREFIX",
    "QUANTITIES",
    "Accumulation",
    "Details",
    "Kind",
    "Labels",
    "MonitorState",
    "Number",
    "PerRow",
    "Point",
    "PollSeries",
    "Quantity",
    "Sample",
    "Scope",
    "Series",
    "Spread",
    "Value",
    "bound_text",
    "device_and_name",
    "labels_of",
    "named_for_prometheus",
    "numbers_of",
    "samples_of",
    "sent_points",
    "series_of",
    "user_series",
]
