"""Reading recordings: one or many files as one, columns as arrays, Snapshots."""

from stem_device.reading.recording import Recording, open_recording
from stem_device.reading.source import Source
from stem_device.reading.table import Table

__all__ = ["Recording", "Source", "Table", "open_recording"]
