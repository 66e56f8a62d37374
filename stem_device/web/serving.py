"""Ports of monitors and of recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stem_device.model.options import HttpOptions
from stem_device.monitor import Monitor
from stem_device.opentsdb.serving import metrics_routes, opentsdb_routes, put_routes
from stem_device.web.live import LiveSource
from stem_device.web.port import Port

OUTLET = "http"


class _Served:
    """What stands behind the outlet: the port ends with the monitor."""

    def __init__(self, source: LiveSource, port: Port) -> None:
        self.take = source.take
        self.close = port.close


def serve_monitor(
    monitor: Monitor,
    options: HttpOptions | None = None,
    *,
    routes: Callable[[], Sequence[Any]] = tuple,
    write_routes: Callable[[], Sequence[Any]] = tuple,
) -> Port:
    """Serve a monitor until it is stopped; to be called before its ``start``.

    ``options`` None: those of the monitor. The outlet is called ``http``. See Port for what happens if it
    cannot be opened.
    """
    source = LiveSource(monitor)
    port = Port(
        source,
        options or monitor.options,
        routes=lambda: [*opentsdb_routes(source.series), *metrics_routes(source.series), *routes()],
        write_routes=lambda: [*put_routes(monitor.metrics), *write_routes()],
    )
    monitor.add_consumer(_Served(source, port), OUTLET)
    return port


def serve_recordings(
    files: Sequence[Path],
    options: HttpOptions,
    *,
    routes: Callable[[], Sequence[Any]] = tuple,
) -> Port:
    """Serve recordings, as they were at their last poll, until the port is closed.

    Raises StemError if they cannot be read.
    """
    from stem_device.web.recorded import RecordedSource  # noqa: PLC0415 - imports statistics

    source = RecordedSource(files)
    return Port(
        source,
        options,
        routes=lambda: [*opentsdb_routes(source.series), *metrics_routes(source.series), *routes()],
    )
