"""From a truncated or damaged recording to a valid one, and what was lost on the way."""

from stem_device.reading.recovery.journal import Recovery
from stem_device.reading.recovery.recovering import recover

__all__ = ["Recovery", "recover"]
