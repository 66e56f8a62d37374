"""Outlets: where Snapshots and marks leave the monitor, each behind a queue of its own."""

from stem_device.model.outlet_health import OutletHealth
from stem_device.outlets.consumer import Consumer, Ending, Keeper, Kept
from stem_device.outlets.outlet import Outlet
from stem_device.outlets.outlet_queue import MAX_WAITING, OutletQueue

__all__ = ["MAX_WAITING", "Consumer", "Ending", "Keeper", "Kept", "Outlet", "OutletHealth", "OutletQueue"]
