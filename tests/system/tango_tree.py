"""Debian's C++ Tango, unpacked by ``tango_tree.sh`` when it is first needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "system" / "tango_tree.sh"
LIBRARIES = "usr/lib/x86_64-linux-gnu"


class NoTreeError(Exception):
    """The packages cannot be had here; the text says why."""


def tango_tree() -> Path:
    """Its directory; raises NoTreeError."""
    if shutil.which("apt-get") is None:
        raise NoTreeError(f"needs Debian's packages ({SCRIPT.relative_to(ROOT)}): there is no apt-get here")
    made = subprocess.run([SCRIPT], capture_output=True, text=True, check=False, timeout=300)
    if made.returncode != 0:
        raise NoTreeError(f"needs Debian's packages ({SCRIPT.relative_to(ROOT)}): {made.stderr[-300:]}")
    return Path(made.stdout.strip())
