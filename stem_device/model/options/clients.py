"""Options of clients that are no device servers, and report."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Count
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class ClientOptions(OptionGroup):
    """What :mod:`stem_device.polling.clients` needs."""

    max_clients: int = option(
        200,
        Count(0),
        "How many clients that are no device servers (stem_device.client.watch) are monitored at most; 0 "
        "takes no reports.",
        flags=(),  # only a device can be reported to
    )
