"""A device that answers ``QueryEventSystem`` with what it was told.

It stands in for a server only where the real thing takes longer than a test may (``python -m ... INSTANCE``).
"""

from __future__ import annotations

import sys

from tango.server import Device, command, run

SERVER = "StemRelay"


class Relay(Device):
    """Answers with the text of the last ``SetReply``."""

    def init_device(self) -> None:
        super().init_device()
        self._reply = '{"version": 1, "server": null, "client": null}'

    @command(dtype_in=str)
    def SetReply(self, text: str) -> None:
        self._reply = text

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:
        return self._reply


if __name__ == "__main__":
    run([Relay], args=[SERVER, *sys.argv[1:]])
