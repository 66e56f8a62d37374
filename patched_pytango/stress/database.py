"""A Tango database with the servers of ``library_stress.cpp``: prints ``host:port``, ends with its input."""

# ruff: noqa: T201

import sys
import tempfile
from pathlib import Path

from stem_device.demo.database import EmbeddedDatabase

DEVICES = {"publisher": 4, "subscriber": 1}


def main():
    """Serve until nobody is left who could close the standard input."""
    with tempfile.TemporaryDirectory() as scratch, EmbeddedDatabase(Path(scratch)) as database:
        for kind, count in DEVICES.items():
            devices = [("Stress", f"stress/{kind}/{number}") for number in range(1, count + 1)]
            database.add_server(f"stress/{kind}", devices)
        print(database.tango_host, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
