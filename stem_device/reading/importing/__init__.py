"""JSON lines, of this program and of others, become a recording; and telemetry becomes a part of one."""

from stem_device.reading.importing.importer import Imported, import_lines
from stem_device.reading.importing.telemetry import ImportedTelemetry, import_telemetry

__all__ = ["Imported", "ImportedTelemetry", "import_lines", "import_telemetry"]
