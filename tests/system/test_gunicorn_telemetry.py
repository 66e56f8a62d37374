"""A real Gunicorn: forked workers with threads, one killed, all requests counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_device.demo.processes import wait_until
from stem_device.telemetry import open_telemetry

pytest.importorskip("gunicorn")

APP = """
import os

def app(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
SETTINGS = """
bind = "127.0.0.1:0"
workers = 2
threads = 2
worker_class = "gthread"
control_socket = "control"
"""
BY_NAME = (
    "from stem_device.telemetry.gunicorn import post_request, post_worker_init, pre_request, worker_exit\n"
)
BY_CALL = 'from stem_device.telemetry.gunicorn import hooks\nglobals().update(hooks("telemetry"))\n'


@contextmanager
def gunicorn(folder: Path, hooks: str) -> Iterator[str]:
    """Its address. Stopped in good order."""
    (folder / "app.py").write_text(APP)
    (folder / "gunicorn.conf.py").write_text(hooks + SETTINGS)
    log = folder / "log"
    with log.open("w") as file:
        line = [sys.executable, "-m", "gunicorn", "app:app"]
        process = subprocess.Popen(line, cwd=folder, stderr=file)
    try:
        wait_until(lambda: log.read_text().count("Booting worker") >= 2 or None, "workers")
        wait_until(lambda: len(list((folder / "telemetry").glob("runtime*"))) >= 2 or None, "telemetry")
        text = log.read_text()
        yield text.partition("Listening at: ")[2].split()[0]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()


def get(address: str) -> int:
    with urllib.request.urlopen(f"{address}/v2/thing?x=1", timeout=10) as answer:
        return int(answer.read())


@pytest.mark.parametrize("hooks", [BY_NAME, BY_CALL])
def test_every_request_is_a_sample(hooks: str, tmp_path: Path) -> None:
    with gunicorn(tmp_path, hooks) as address:
        served = Counter(get(address) for _ in range(60))
    series = open_telemetry(tmp_path / "telemetry").duration().time_series("/v2/thing [GET]")
    assert Counter(series.columns().pid) == served
    assert len(open_telemetry(tmp_path / "telemetry").max_rss().pids()) == 2


def test_a_worker_that_is_killed_loses_what_was_not_flushed(tmp_path: Path) -> None:
    with gunicorn(tmp_path, BY_CALL) as address:
        served = Counter(get(address) for _ in range(30))
        (killed, *_) = served

        def flushed() -> bool | None:
            rows = open_telemetry(tmp_path / "telemetry").duration().columns().pid
            return Counter(rows) == served or None

        wait_until(flushed, "all rows in files")
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: (tmp_path / "log").read_text().count("Booting worker") == 3 or None, "a new worker"
        )
        served.update(get(address) for _ in range(30))
    assert Counter(open_telemetry(tmp_path / "telemetry").duration().columns().pid) == served
