"""Options of link health: whether publishers are heard."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import Flag
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class LinkOptions(OptionGroup):
    """What :mod:`stem_device.polling.heartbeats` needs."""

    listen_to_heartbeats: bool = option(
        False,
        Flag(),
        "Whether to listen to the heartbeats of all publishers of monitored subscriptions, and tell which "
        "are not heard any more on this host. Needs the extra wire.",
        flags=("--heartbeats",),
        help_text="Listen to the heartbeats of the publishers, and tell which are not heard any more.",
    )
