"""A device that answers ``QueryEventSystem`` with what it was told.

It stands in for a server only where the real thing takes longer than a test may (``python -m ... INSTANCE``).
"""

from __future__ import annotations

import sys
import time

from tango.server import Device, command, run

SERVER = "StemRelay"


class Relay(Device):
    """Answers with the text of the last ``SetReply``, after the seconds of the last ``SetSeconds``."""

    def init_device(self) -> None:
        super().init_device()
        self._reply = '{"version": 1, "server": null, "client": null}'
        self._seconds = 0.0
        self._queries = 0

    @command(dtype_in=str)
    def SetReply(self, text: str) -> None:
        self._reply = text

    @command(dtype_in=float)
    def SetSeconds(self, seconds: float) -> None:
        self._seconds = seconds

    @command(dtype_out=int)
    def Queries(self) -> int:
        """How many times it was asked."""
        return self._queries

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:
        self._queries += 1
        time.sleep(self._seconds)
        return self._reply


if __name__ == "__main__":
    run([Relay], args=[SERVER, *sys.argv[1:]])
