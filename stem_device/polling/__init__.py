"""Targets, the client of one server, and the schedule: everything that asks."""

from stem_device.polling.names import check_target
from stem_device.polling.poller import Poller
from stem_device.polling.schedule import Schedule
from stem_device.polling.source import Answers, PollStart, Source

__all__ = ["Answers", "PollStart", "Poller", "Schedule", "Source", "check_target"]
