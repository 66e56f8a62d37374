"""Exporters are attached to a monitor before it starts, and end with it."""

from __future__ import annotations

import socket

from stem_device.elastic.polls import OUTLET as ELASTIC
from stem_device.elastic.polls import polls_to_elastic
from stem_device.monitor import Monitor
from stem_device.opentsdb.attach import push_polls
from stem_device.otlp import OUTLET as OTLP
from stem_device.otlp import Who, metrics_to_otlp
from stem_device.recording.recorder import DEVICE, SERVER


def attach_exporters(monitor: Monitor) -> None:
    """Add what its options ask for; to be called before ``start``, once ``recorded_by`` is set.

    Raises OptionError for options that cannot be used, MissingExtraError where a package is missing. No
    endpoint is asked for anything yet.
    """
    options, device = monitor.options, monitor.recorded_by.get(DEVICE, "")
    name = device or f"stem monitor at {socket.gethostname()}"
    # A tag of OpenTSDB has no room for tango://host:port.
    push_polls(monitor, device.split("/", 3)[-1] or socket.gethostname())
    polls = polls_to_elastic(options, name, monitor.series)
    if polls is not None:
        monitor.add_consumer(polls, ELASTIC)
    who = Who(device=device, server=monitor.recorded_by.get(SERVER, ""))
    metrics = metrics_to_otlp(options, who, monitor.series)
    if metrics is not None:
        monitor.add_consumer(metrics, OTLP)
