"""Link health: whether the heartbeats of publishers reach this host."""

from stem_device.polling.heartbeats.links import Links
from stem_device.polling.heartbeats.source import Heartbeats

__all__ = ["Heartbeats", "Links"]
