"""The Tango device ``EventMonitor``, and how it is registered in a database."""

from __future__ import annotations


def main() -> None:
    """Entry point of the executable ``EventMonitor``."""
    from stem_device.device.server import main as run_server  # noqa: PLC0415 - the tables can be read without it

    run_server()
