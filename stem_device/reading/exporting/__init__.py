"""Recordings in other formats: JSON lines, CSV, Parquet."""

from stem_device.reading.exporting.exporter import Format, export, format_of

__all__ = ["Format", "export", "format_of"]
