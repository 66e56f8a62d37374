"""What the HTTP port mounts to answer OpenTSDB's questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stem_device.opentsdb.series import SeriesSource
from stem_device.user_metrics import Intake


def opentsdb_routes(source: SeriesSource) -> Sequence[Any]:
    """Routes of Starlette below ``/api``; see :mod:`.routes`, which needs the extra ``http``."""
    from stem_device.opentsdb.routes import routes  # noqa: PLC0415 - an optional part

    return routes(source)


def metrics_routes(source: SeriesSource) -> Sequence[Any]:
    """Routes by which our own client reads; see :mod:`.metrics_routes`."""
    from stem_device.opentsdb.metrics_routes import reading_routes  # noqa: PLC0415 - an optional part

    return reading_routes(source)


def put_routes(intake: Intake) -> Sequence[Any]:
    """Routes by which points come; see :mod:`.metrics_routes`."""
    from stem_device.opentsdb.metrics_routes import writing_routes  # noqa: PLC0415 - an optional part

    return writing_routes(intake)
