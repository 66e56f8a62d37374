"""``python -m stem_device.web.make_page TITLE OUTPUT FILE...``: the process that makes a report page."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

from stem_device.errors import StemError
from stem_device.reading import open_recording
from stem_device.report.page.findings import find
from stem_device.report.page.gather import gather
from stem_device.report.page.html_page import page_html


def main(title: str, output: str, files: list[str]) -> None:
    """Write the page. Raises StemError."""
    made = f"Made by stem-device {version('stem-device')}. It is renewed when it is asked for again."
    with open_recording(files) as recording:
        recording.check_polls()
        page = page_html(find(gather(recording)), title=title, made=made)
    Path(output).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    os.nice(5)  # polls first
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3:])
    except StemError as error:
        sys.exit(str(error))
