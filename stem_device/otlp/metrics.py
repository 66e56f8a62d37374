"""What the option ``OtlpEndpoint`` asks for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stem_device.catalogue import PollSeries
from stem_device.errors import MissingExtraError
from stem_device.model.options import OtlpOptions
from stem_device.model.options.kinds import ENVIRONMENT
from stem_device.otlp.who import Who

if TYPE_CHECKING:
    from stem_device.otlp.export import MetricsToOtlp

OUTLET = "otlp"

_log = logging.getLogger(__name__)


def metrics_to_otlp(options: OtlpOptions, who: Who, series: PollSeries) -> MetricsToOtlp | None:
    """None if the options ask for nothing, or the environment has switched OpenTelemetry off.

    Raises OptionError, and MissingExtraError without the SDK. Nobody is asked for anything yet.
    """
    endpoint = options.otlp_endpoint
    if endpoint is None:
        return None
    try:
        from stem_device.otlp import export  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("otlp", "sending metrics by OTLP (OtlpEndpoint)") from error
    if export.is_disabled():
        _log.warning("OtlpEndpoint is set, but the environment switches OpenTelemetry's metrics off")
        return None
    return export.MetricsToOtlp(None if endpoint == ENVIRONMENT else endpoint, who, series)
