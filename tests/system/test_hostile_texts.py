"""A server whose every text would steer the terminal of who looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.reading import open_recording
from tests.system.harness import ServerFactory
from tests.system.polling_devices import HOSTILE
from tests.system.stem_process import stem

pytestmark = pytest.mark.extras


@pytest.fixture
def relay(servers: ServerFactory, database: EmbeddedDatabase) -> str:
    device = "hostile/relay/1"
    servers.start(
        "tests.system.polling_devices", "hostile", register=("polling_devices/hostile", [("Hostile", device)])
    )
    return f"tango://{database.tango_host}/{device}"


def harmless(text: str) -> bool:
    return all(character == "\n" or character.isprintable() for character in text)


def test_nothing_of_it_reaches_a_screen(
    relay: str, servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    server, host = servers(), database.tango_host
    assert tango.DeviceProxy(relay).info().version_info["cppTango"] == HOSTILE  # it does send them
    with pytest.raises(tango.DevFailed, match="owned"):
        tango.DeviceProxy(relay).command_inout("QueryEventSystem")
    outputs = []
    with stem(tmp_path, "check", relay, server.name, tango_host=host) as run:
        assert run.wait() == 4
        outputs.append(run.output + run.errors)
    assert "owned" in outputs[-1]
    recording = tmp_path / "hostile.h5"
    options = ("-p", "0.2", "--polls", "5", "-o", str(recording))
    with stem(tmp_path, "monitor", relay, server.name, *options, tango_host=host) as run:
        run.wait()
        outputs.append(run.output + run.errors)
    assert "owned" in outputs[-1]
    for command in ("stats", "why", "validate"):
        with stem(tmp_path, command, str(recording)) as run:
            assert run.wait() in {0, 9}
            outputs.append(run.output + run.errors)
    with stem(tmp_path, "export", str(recording), "-o", "polls.jsonl") as run:
        assert run.wait() == 0
    assert [text for text in outputs if not harmless(text)] == []
    assert harmless((tmp_path / "polls.jsonl").read_text())
    with open_recording(recording) as opened:
        assert all(harmless(name) for name in opened.names if name)
