"""Who sends the metrics, in the words that cppTango has for its traces."""

from __future__ import annotations

import os
from dataclasses import dataclass

CLASS = "EventMonitor"
NAMESPACE = "tango"


@dataclass(frozen=True, slots=True)
class Who:
    """``device`` is its full name, ``tango://host:port/sys/eventmon/1``, ``server`` the server's,
    ``EventMonitor/1``; both are empty where no device monitors."""

    device: str = ""
    server: str = ""

    def attributes(self) -> dict[str, str | int]:
        """Resource attributes as cppTango 10.3 sets them (``telemetry.cpp``), with the same values that it
        has for the traces of this device, so that both meet in one backend."""
        host, _, path = self.device.removeprefix("tango://").partition("/")
        found: dict[str, str | int] = {
            "service.namespace": NAMESPACE,
            "service.name": CLASS if self.device else "stem monitor",
            "tango.process.id": os.getpid(),
            "tango.process.kind": "server" if self.device else "client",
        }
        if self.device:
            found["service.instance.id"] = path
        if self.server:
            found["tango.server.name"] = self.server
        tango_host = host if self.device else os.environ.get("TANGO_HOST", "")
        if tango_host and not tango_host.endswith(":nodb"):
            found["tango.host"] = tango_host
        return found
