"""A real VictoriaMetrics on loopback, which takes OpenTSDB's points in and answers MetricsQL."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from stem_device.demo.processes import ChildProcess, wait_until

Key = tuple[tuple[str, str], ...]
"""Labels in order, without the name of the metric."""
Points = dict[int, float]
"""Values by milliseconds."""


class VictoriaMetrics:
    """One server with an empty store in ``directory``; a context manager."""

    def __init__(self, directory: Path) -> None:
        self.port, self.http_port, self.telnet_port = _free_ports(3)
        program = shutil.which("victoria-metrics")
        assert program is not None
        self._process = ChildProcess(
            [
                program,
                f"-storageDataPath={directory / 'victoria'}",
                f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-opentsdbHTTPListenAddr=127.0.0.1:{self.http_port}",
                f"-opentsdbListenAddr=127.0.0.1:{self.telnet_port}",
                "-retentionPeriod=2d",
                "-search.latencyOffset=0s",
                "-search.disableCache",
                "-memory.allowedBytes=64MB",
            ],
            log=directory / "victoria.log",
            name="victoria-metrics",
            ready_line="pprof handlers are exposed",
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()

    def export(self, match: str) -> dict[Key, Points]:
        """Every point that is stored, as it is."""
        self._get("/internal/force_flush")
        found: dict[Key, Points] = {}
        for line in self._get("/api/v1/export", **{"match[]": match}).splitlines():
            told = json.loads(line)
            points = dict(zip(told["timestamps"], told["values"], strict=True))
            found.setdefault(_key(told["metric"]), {}).update(points)
        return found

    def query_range(self, query: str, begin_ms: int, end_ms: int, step_ms: int) -> dict[Key, Points]:
        """MetricsQL at every step of a span."""
        text = self._get(
            "/api/v1/query_range",
            query=query,
            start=begin_ms / 1000,
            end=end_ms / 1000,
            step=f"{step_ms}ms",
            nocache=1,
        )
        return {
            _key(one["metric"]): {round(time * 1000): float(value) for time, value in one["values"]}
            for one in json.loads(text)["data"]["result"]
        }

    def wait_for(self, match: str, enough: Callable[[dict[Key, Points]], bool]) -> dict[Key, Points]:
        """What is stored once it is enough: points can be asked for a moment after they were taken."""

        def found() -> dict[Key, Points] | None:
            stored = self.export(match)
            return stored if enough(stored) else None

        return wait_until(found, f"{match} in VictoriaMetrics", interval_seconds=0.2)

    def _get(self, path: str, **parameters: Any) -> str:
        url = f"http://127.0.0.1:{self.port}{path}?{urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{url}: {error.read().decode()}") from error


def _key(labels: dict[str, str]) -> Key:
    return tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))


def _free_ports(count: int) -> list[int]:
    """VictoriaMetrics does not tell which ports it took: these were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
