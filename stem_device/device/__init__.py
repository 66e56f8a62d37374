"""The Tango device ``EventMonitor``, and how it is registered in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stem_device.device.server import EventMonitor

__all__ = ["EventMonitor", "main"]


def __getattr__(name: str) -> object:
    """``EventMonitor``, imported when it is first asked for (PEP 562): its tables can be read without."""
    if name == "EventMonitor":
        from stem_device.device.server import EventMonitor  # noqa: PLC0415

        return EventMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Entry point of the executable ``EventMonitor``."""
    from stem_device.device.server import main as run_server  # noqa: PLC0415 - as above

    run_server()
