"""Pushing the numbers of every poll to a server that takes OpenTSDB's points."""

from stem_device.opentsdb.pushing.endpoint import Endpoint, parse_endpoint
from stem_device.opentsdb.pushing.pusher import OpenTsdbPusher

__all__ = ["Endpoint", "OpenTsdbPusher", "parse_endpoint"]
