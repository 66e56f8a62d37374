"""All quantities, in the order in which they are told."""

from stem_device.catalogue.quantities.canaries import CANARIES
from stem_device.catalogue.quantities.monitor import MONITOR
from stem_device.catalogue.quantities.processes import PROCESSES
from stem_device.catalogue.quantities.servers import SERVERS
from stem_device.catalogue.quantities.subscriptions import SUBSCRIPTIONS
from stem_device.catalogue.quantities.tap import TAP
from stem_device.catalogue.quantities.timings import TIMINGS
from stem_device.catalogue.quantities.totals import TOTALS
from stem_device.catalogue.quantity import Quantity

QUANTITIES: tuple[Quantity, ...] = (
    TOTALS + SERVERS + SUBSCRIPTIONS + TIMINGS + MONITOR + PROCESSES + CANARIES + TAP
)

__all__ = ["QUANTITIES"]
