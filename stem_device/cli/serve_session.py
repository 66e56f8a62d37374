"""What ``stem serve`` does, once its arguments are understood."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.interrupts import interrupts_noted
from stem_device.model.options import HttpOptions
from stem_device.web import serve_recordings

_WATCH_SECONDS = 0.2


def run_serve(files: Sequence[Path], options: HttpOptions) -> ExitCode:
    """Serve until a signal comes. Raises StemError if the files cannot be read."""
    with interrupts_noted() as interrupted:
        port = serve_recordings(files, options)
        try:
            if port.error:
                tell(port.error)
                return ExitCode.FAILED
            tell(f"serving {port.url}/ (Ctrl-C ends it)")
            while not interrupted:
                time.sleep(_WATCH_SECONDS)
        finally:
            port.close()
    return ExitCode.OK
