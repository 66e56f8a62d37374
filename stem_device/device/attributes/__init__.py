"""The attributes as one table; Tango's attributes, the events and the reference page are made from it.

None has an alarm limit by default: the quality of an attribute is a warning or an alarm while the verdict
rests on it. Tango turns ON into ALARM whenever a quality is, so that is never so while State is ON.
"""

from stem_device.device.attributes.canaries import CANARIES
from stem_device.device.attributes.clients import CLIENTS
from stem_device.device.attributes.events import EVENTS
from stem_device.device.attributes.metrics import METRICS
from stem_device.device.attributes.outlets import OUTLETS
from stem_device.device.attributes.polling import POLLING
from stem_device.device.attributes.recording import RECORDING
from stem_device.device.attributes.servers import SERVERS
from stem_device.device.attributes.spec import AttributeSpec, Value, quality_of, reading
from stem_device.device.attributes.timings import TIMINGS
from stem_device.device.attributes.verdict import VERDICT

ATTRIBUTES: tuple[AttributeSpec, ...] = (
    EVENTS + VERDICT + SERVERS + CLIENTS + CANARIES + TIMINGS + RECORDING + OUTLETS + METRICS + POLLING
)

__all__ = ["ATTRIBUTES", "AttributeSpec", "Value", "quality_of", "reading"]
