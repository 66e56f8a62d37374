"""``stem check`` and ``stem register`` against a real database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.harness import Server, ServerFactory, freeze
from tests.system.stem_process import stem, words


@pytest.mark.parametrize(("targets", "code"), [("up", 0), ("up down", 4), ("down", 3), ("up nowhere", 4)])
def test_the_exit_code_tells_whether_all_can_be_monitored(
    targets, code, servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    up, down = servers(), servers()
    down.process.stop()
    names = {"up": up.publisher.device, "down": down.name, "nowhere": "no/such/device"}
    arguments = [names[target] for target in targets.split()]
    with stem(tmp_path, "check", *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == code
        states = {words(line)["server"]: line for line in run.lines if line.startswith("server=")}
        if "up" in targets.split():
            assert "state=monitored tango=10" in states[up.name]
        if "down" in targets.split():
            assert 'state="not exported"' in states[down.name]
            assert "reason=" in states[down.name]
        if "nowhere" in targets.split():
            assert "no/such/device" in run.output
        (verdict,) = [line for line in run.lines if line.startswith("verdict ")]
        assert verdict.startswith("verdict level=unknown ")
        assert "Nothing was missed" not in run.output
        assert run.lines[-1].startswith("summary monitored=")


def test_without_a_name_everything_in_the_database_is_checked(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    up, down = servers(), servers()
    down.process.stop()
    with stem(tmp_path, "check", tango_host=database.tango_host) as run:
        assert run.wait() == 4
        named = {words(line)["server"] for line in run.lines if line.startswith("server=")}
        assert {up.name, down.name} <= named
        assert run.errors == (
            f"stem: no device is named: all servers in the database are checked ({database.tango_host})\n"
        )


def test_the_shell_completes_names_of_devices(servers: ServerFactory, database: EmbeddedDatabase) -> None:
    device = servers().publisher.device.rpartition("//")[2].partition("/")[2]
    program = "import sys; sys.argv[0] = 'stem'; from stem_device.cli import main; main()"

    def completed(line: str, host: str = database.tango_host) -> list[str]:
        words_typed = {"_STEM_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"stem {line}"}
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | words_typed | {"TANGO_HOST": host},
        )
        assert ended.stderr == ""
        return re.findall(r"[\w./-]+/[\w./-]+/[\w./-]+", ended.stdout)

    def comes(line: str) -> list[str]:
        """A busy machine may not answer within the patience that the command has: it is asked again."""
        return wait_until(lambda: completed(line), f"completions of {line}", limit_seconds=60)

    for line in ("check", "monitor", "mark r e --device", "register --target"):
        assert device in comes(f"{line} {device[:6]}")
    (one,) = comes(f"check {device[:-1].upper()}")
    assert one.lower() == device.lower()
    assert completed("check x", "127.0.0.1:1") == []


NAMED = pytest.mark.parametrize("named", ["server", "device", "pattern"])


@contextmanager
def one_that_hangs(
    named: str, database: EmbeddedDatabase, directory: Path
) -> Iterator[tuple[list[str], Server, Server]]:
    """What is typed, a server that works, and one that hangs; no other is in the database of the pattern."""
    factory = ServerFactory(database, directory)
    up, hung = factory(), factory()
    typed = {
        "server": [up.name, hung.name],
        "device": [up.publisher.device, hung.publisher.device],
        "pattern": ["test/publisher/*"],
    }[named]
    freeze(hung.process.pid)
    try:
        yield typed, up, hung
    finally:
        os.kill(hung.process.pid, signal.SIGCONT)
        factory.stop()


@NAMED
def test_a_server_that_hangs_does_not_spoil_the_exit_code(
    named: str, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with one_that_hangs(named, private_database, tmp_path) as (typed, up, hung):
        for _ in range(2):
            with stem(tmp_path, "check", *typed, tango_host=private_database.tango_host) as run:
                assert run.wait() == 4
                told = {
                    words(line)["server"]: words(line)["state"] for line in run.lines if "server=" in line
                }
                assert told == {up.name: "monitored", hung.name: "unreachable"}
                assert run.lines[-1] == "summary monitored=1/2"
                assert run.errors == ""


@pytest.mark.parametrize(
    ("named", "period"),
    [
        ("server", 0.5),
        ("device", 0.5),
        ("pattern", 0.5),
        pytest.param("device", 4.0, marks=pytest.mark.matrix),
        ("pattern", 4.0),
    ],
)
def test_a_server_that_hangs_hides_no_other_from_the_first_poll_on(
    named: str, period: float, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    """A poll of 0.4 s is over before it is known what devices it has: a problem names it until then."""
    with one_that_hangs(named, private_database, tmp_path) as (typed, up, hung):
        arguments = ("monitor", *typed, "--polls", "3", "-p", str(period))
        with stem(tmp_path, *arguments, tango_host=private_database.tango_host) as run:
            assert run.wait() == 0
            polls = run.kinds("poll")
            assert [one["number"] for one in polls] == ["1", "2", "3"]
            assert {one["monitored"] for one in polls} <= {"1/1", "1/2"}
            states = {one["server"]: one["state"] for one in run.kinds("server-new")}
            assert states.pop(up.name) == "monitored"
            first = run.output.partition(" poll number=2 ")[0]
            assert hung.name in first
            if named == "server" or period == 4.0:
                assert {one["monitored"] for one in polls} == {"1/2"}
                assert states == {hung.name: "unreachable"}
            else:
                assert f'problem "{hung.name} has not answered yet; the others are monitored"' in first


def test_register_writes_once_and_prints_the_same(database: EmbeddedDatabase, tmp_path: Path) -> None:
    arguments = ("register", "test/eventmon/cli", "-i", "cli", "--target", "lab/*/*", "-P", "PollPeriod=2")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == 0
        printed = json.loads(run.output)
        assert "EventMonitor cli" in run.errors
    properties = printed["servers"]["EventMonitor/cli"]["EventMonitor"]["test/eventmon/cli"]["properties"]
    stored = database.connection().get_device_property("test/eventmon/cli", list(properties))
    assert {name: list(lines) for name, lines in stored.items()} == properties
    assert properties == {"TargetDevices": ["lab/*/*"], "PollPeriod": ["2"]}
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == 0
        assert "nothing to change" in run.errors


def test_a_device_of_another_server_is_left_alone(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    device = servers().publisher.device.partition("/test/")[2]
    with stem(tmp_path, "register", f"test/{device}", tango_host=database.tango_host) as run:
        assert run.wait() == 1
        assert "belongs to server" in run.errors
        assert run.output == ""
