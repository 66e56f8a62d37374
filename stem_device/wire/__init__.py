"""Events as they go over the network: their frames, their values, and what is counted of them. No Tango."""

from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import Tap, TapCounts, Taps
from stem_device.wire.topics import Topics
from stem_device.wire.values import UndecodableError, Value, value_of

__all__ = ["Tap", "TapCounts", "Taps", "TopicCounts", "Topics", "UndecodableError", "Value", "value_of"]
