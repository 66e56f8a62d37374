"""One HTTP port: metrics, health, the report page and Snapshots, of a monitor or of recordings."""

from stem_device.web.port import Port
from stem_device.web.serving import serve_monitor, serve_recordings

__all__ = ["Port", "serve_monitor", "serve_recordings"]
