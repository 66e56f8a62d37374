"""A real Prometheus that scrapes one port every second."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from stem_device.demo.processes import ChildProcess

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: stem
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """Answers queries about now."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str, **query: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def series(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Values by labels, without those of the scrape."""
        return {
            tuple((k, v) for k, v in sorted(one["metric"].items()) if k not in {"instance", "job"}): float(
                one["value"][1]
            )
            for one in self.get("query", query=query)["result"]
        }

    def value(self, query: str) -> float | None:
        """The only one; None if there is none."""
        found = list(self.series(query).values())
        assert len(found) <= 1, found
        return found[0] if found else None

    def firing(self) -> set[str]:
        """Names of alerts."""
        return {
            one["labels"]["alertname"] for one in self.get("alerts")["alerts"] if one["state"] == "firing"
        }


@contextmanager
def prometheus(url: str, folder: Path) -> Iterator[Prometheus]:
    """With the rules of the package; ended on exit."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rules = folder / "rules.yaml"
    rules.write_text(files("stem_device.web").joinpath("prometheus_rules.yaml").read_text())
    config = folder / "prometheus.yaml"
    config.write_text(CONFIG.format(rules=rules, target=url.partition("//")[2]))
    program = shutil.which("prometheus")
    assert program is not None
    options = {
        "config.file": config,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    server = Prometheus(port)
    with ChildProcess(command, log=folder / "prometheus.log") as process:
        process.wait_ready(server.ready, limit_seconds=60)
        yield server
