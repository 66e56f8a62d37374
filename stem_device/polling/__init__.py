"""Targets, the client of one server, and the schedule: everything that asks."""

from stem_device.polling.names import check_target
from stem_device.polling.poller import Poller
from stem_device.polling.schedule import Schedule

__all__ = ["Poller", "Schedule", "check_target"]
