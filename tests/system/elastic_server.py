"""A server that speaks Elasticsearch's language (noida-db), on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stem_device.demo.processes import OutOfTimeError, wait_until


def program() -> Path | None:
    """Where it is installed: beside the interpreter."""
    found = shutil.which("noida-db", path=str(Path(sys.executable).parent))
    return Path(found) if found else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _runs(leader: subprocess.Popen[bytes]) -> bool:
    """Whether anything of its group does."""
    leader.poll()
    try:
        os.killpg(leader.pid, 0)
    except ProcessLookupError:
        return False
    return True


class ElasticServer:
    """``stop`` and ``start`` as often as needed: the data stays."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        path = program()
        assert path is not None
        command = [str(path), "start", "--only", "elasticsearch", "--elasticsearch-port", str(self.port)]
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--data-dir", str(self._directory / "data")],
                stdout=log,
                stderr=log,
                start_new_session=True,  # it starts a program of its own, which is to end too
            )
        wait_until(self._answers, "a server that speaks Elasticsearch")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
            with suppress(OutOfTimeError):  # where SIGINT is ignored, as in a shell's jobs in the background
                wait_until(lambda: not _runs(process), "its end", limit_seconds=10)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def documents(self, query: dict[str, Any], index: str = "*") -> list[dict[str, Any]]:
        """The newest are last."""
        from elasticsearch import Elasticsearch

        with Elasticsearch(self.url) as client:
            client.indices.refresh(index=index)
            found = client.search(index=index, query=query, size=10_000, sort=[{"@timestamp": "asc"}])
            return [hit["_source"] for hit in found["hits"]["hits"]]

    def groups(self, field: str) -> dict[str, int]:
        """How many documents have each value of a field."""
        from elasticsearch import Elasticsearch

        with Elasticsearch(self.url) as client:
            client.indices.refresh(index="*")
            found = client.search(index="*", size=0, aggs={"x": {"terms": {"field": field, "size": 100}}})
            return {str(one["key"]): one["doc_count"] for one in found["aggregations"]["x"]["buckets"]}

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "it has ended"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        return True


@contextmanager
def elastic_server(directory: Path) -> Iterator[ElasticServer]:
    """One that runs."""
    directory.mkdir()
    server = ElasticServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
