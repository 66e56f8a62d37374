"""How an outlet is doing: a consumer of Snapshots or marks, behind its queue."""

from __future__ import annotations

from msgspec import Struct


class OutletHealth(Struct, frozen=True, gc=False):
    """Counts of items since the outlet was made; each item offered until it closed is in one.

    ``sent`` were passed on, ``dropped`` found the queue full or were left in it at the end, ``failed`` raised
    an error, and ``waiting`` are in the queue or being passed on now. ``last_error`` is one line; empty if
    there was none.
    """

    name: str
    sent: int = 0
    dropped: int = 0
    failed: int = 0
    waiting: int = 0
    last_error: str = ""
