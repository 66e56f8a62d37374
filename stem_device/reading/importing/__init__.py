"""JSON lines, of this program and of others, become a recording."""

from stem_device.reading.importing.importer import Imported, import_lines

__all__ = ["Imported", "import_lines"]
