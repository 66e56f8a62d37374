"""Canaries: the monitor subscribes itself, and measures what really arrives here."""

from stem_device.polling.canary.source import Canaries

__all__ = ["Canaries"]
