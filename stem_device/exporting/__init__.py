"""What the options of a monitor ask for beyond it: each exporter behind an outlet of its own."""

from stem_device.exporting.attach import attach_exporters
from stem_device.exporting.turns import take_short_turns

__all__ = ["attach_exporters", "take_short_turns"]
