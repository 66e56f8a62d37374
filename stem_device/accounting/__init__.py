"""From polls to Snapshots: how many events were published, received and missed."""

from stem_device.accounting.ledger import Ledger

__all__ = ["Ledger"]
