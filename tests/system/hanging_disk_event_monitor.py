"""The EventMonitor server with a disk that hangs to order: while the file HANG_FILE exists, no write ends.

``hang_to_order`` gives any program such a disk.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from stem_device.device.server import main
from stem_device.recording.ordered_file import DescriptorDisk

HANG_FILE = Path(os.environ["HANG_FILE"])

write_at = DescriptorDisk.write_at


def write_when_it_does_not_hang(disk: DescriptorDisk, address: int, data: bytes) -> None:
    while HANG_FILE.exists():
        time.sleep(0.01)
    write_at(disk, address, data)


def hang_to_order() -> None:
    DescriptorDisk.write_at = write_when_it_does_not_hang  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    hang_to_order()
    main()
