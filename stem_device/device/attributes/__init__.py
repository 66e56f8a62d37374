"""The attributes as one table; Tango's attributes, the events and the reference page are made from it.

Alarm limits are given by default only where they say the same as the rules of State, because Tango turns
ON into ALARM whenever an attribute is beyond a limit.
"""

from stem_device.device.attributes.events import EVENTS
from stem_device.device.attributes.polling import POLLING
from stem_device.device.attributes.recording import RECORDING
from stem_device.device.attributes.servers import SERVERS
from stem_device.device.attributes.spec import AttributeSpec, Value, reading
from stem_device.device.attributes.timings import TIMINGS

ATTRIBUTES: tuple[AttributeSpec, ...] = EVENTS + SERVERS + TIMINGS + RECORDING + POLLING

__all__ = ["ATTRIBUTES", "AttributeSpec", "Value", "reading"]
