"""What ``stem grafana`` does, once its arguments are understood."""

from __future__ import annotations

import sys
import urllib.parse
from pathlib import Path

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.errors import OptionError
from stem_device.grafana import Flavour, grafana_files


def run_grafana(directory: Path, prometheus: str, opentsdb: str, dashboards: str) -> ExitCode:
    """Write the files, and print their names. Raises OptionError for an address that is none."""
    urls = {
        Flavour.PROMETHEUS: _address("--prometheus", prometheus),
        Flavour.OPENTSDB: _address("--opentsdb", opentsdb),
    }
    folder = dashboards or str((directory / "dashboards").absolute())
    for name, text in grafana_files(urls, folder).items():
        path = directory / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Renamed when complete: a Grafana that watches the directory never reads half of one.
            half = path.with_name(f".{path.name}.new")
            half.write_text(text, encoding="utf-8")
            half.replace(path)
        except OSError as error:
            tell(f"{path} cannot be written: {error.strerror or error}")
            return ExitCode.FAILED
        sys.stdout.write(f"{path}\n")
    return ExitCode.OK


def _address(option: str, text: str) -> str:
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OptionError(option, text, "must be an address, as http://localhost:9090")
    if parts.username or parts.password:
        raise OptionError(
            option, "(with a password)", "has no place for a password: set it in Grafana's data source"
        )
    return text.rstrip("/")
