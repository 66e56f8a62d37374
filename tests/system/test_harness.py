"""The harness itself: nothing may stay behind, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import ChildProcess, ProcessError, wait_until
from tests.system.harness import ServerFactory


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_stops_a_child_that_ignores_term(tmp_path: Path) -> None:
    code = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = ChildProcess([sys.executable, "-c", code], log=tmp_path / "log", ready_line="up")
    with child:
        assert _alive(child.pid)
        child.stop(limit_seconds=0.2)
    assert child.exit_code == -signal.SIGKILL


def test_stops_a_child_that_is_stopped(tmp_path: Path) -> None:
    child = ChildProcess(["/bin/sleep", "60"], log=tmp_path / "log")
    with child:
        wait_until(lambda: Path(f"/proc/{child.pid}/comm").read_text().strip() == "sleep", "exec")
        child.signal(signal.SIGSTOP)
    assert child.exit_code == -signal.SIGTERM


def test_child_that_ends_early_is_told_with_its_output(tmp_path: Path) -> None:
    child = ChildProcess(
        [sys.executable, "-c", "print('no way'); raise SystemExit(3)"], log=tmp_path / "log", ready_line="up"
    )
    with pytest.raises(ProcessError, match="exit code 3") as caught:
        child.start()
    assert "no way" in caught.value.output


def test_child_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    child = ChildProcess(["/bin/sleep", "60"], log=tmp_path / "log", ready_line="up")
    with pytest.raises(ProcessError, match="not ready"):
        child.start(limit_seconds=0.2)
    assert not child.running


def test_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from stem_device.demo.processes import ChildProcess
child = ChildProcess(["/bin/sleep", "60"], log=Path({str(tmp_path / "log")!r})).start()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        with parent.stdout as stdout:
            pid = int(stdout.readline())
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text().strip() == "sleep", "exec")
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not _alive(pid), "end of the child")


def test_database_comes_back_on_its_port_with_its_contents(private_database: EmbeddedDatabase) -> None:
    host = private_database.tango_host
    private_database.add_server("Some/1", [("Thing", "some/thing/1")])
    private_database.put_properties("some/thing/1", {"Size": ["3"]})
    private_database.stop()
    assert not _alive(private_database.pid)
    private_database.start()
    assert private_database.tango_host == host
    connection = private_database.connection()
    assert list(connection.get_device_property("some/thing/1", "Size")["Size"]) == ["3"]


def test_server_restarts_under_its_name(servers: ServerFactory) -> None:
    server = servers()
    server.publisher.push(steps=3)
    assert server.publisher.pushed() == {"number.change": 3}
    first = server.process.pid
    server.restart()
    assert server.process.pid not in (first, os.getpid())
    assert wait_until(lambda: server.publisher.pushed() == {}, "a fresh server")
