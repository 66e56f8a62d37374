"""Points of metrics by the command AddData of an EventMonitor."""

from __future__ import annotations

from typing import Any

import tango

from stem_device.telemetry.metrics.batch import Answer, parse_answer
from stem_device.telemetry.metrics.destination import DestinationError

COMMAND = "AddData"


class DeviceDestination:
    """Sends batches to the device ``url``, from whatever thread."""

    def __init__(self, device: str) -> None:
        # The first use of Tango in a process belongs on the thread that makes this, the main one mostly.
        tango.ApiUtil.instance()
        self.url = device
        self._proxy: Any = None

    def send(self, body: bytes, points: int, limit_seconds: float) -> Answer:
        """Raises DestinationError."""
        try:
            with tango.EnsureOmniThread():
                if self._proxy is None:
                    self._proxy = tango.DeviceProxy(self.url)
                self._proxy.set_timeout_millis(max(100, round(limit_seconds * 1000)))
                text = self._proxy.command_inout(COMMAND, body.decode("ascii"))
        except tango.DevFailed as error:
            self._proxy = None
            first = error.args[0]
            if first.reason == "API_CommandNotFound":
                raise DestinationError("it is no EventMonitor, or one of an older version") from error
            raise DestinationError(str(first.desc).strip()) from error
        try:
            return parse_answer(text, points)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
            raise DestinationError(f"its answer cannot be used ({error})") from error

    def close(self) -> None:
        self._proxy = None

    def forget(self) -> None:
        """Tango does not survive a fork: a child must make its own objects before it speaks."""
        self._proxy = None
