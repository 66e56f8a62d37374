"""The server killed with SIGKILL while it records real events: no reported poll is lost.

``STEM_SERVER_KILLS=200 pytest tests/system/test_device_killed.py`` does it so often; a few times by default,
since ``test_recording_crash.py`` kills 200 recorders in a fraction of the time.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import h5py
import pytest

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import event_monitor
from tests.system.harness import Server, ServerFactory

KILLS = int(os.environ.get("STEM_SERVER_KILLS", "6"))
LONGEST_LIFE_SECONDS = 0.6


@pytest.fixture
def busy(servers: ServerFactory) -> Server:
    """A server that publishes to itself, a thousand events a second."""
    server = servers()
    server.subscriber.subscribe(server.publisher)
    server.publisher.push_in_background(period_seconds=0.001)
    return server


@pytest.mark.timeout(60 + 10 * KILLS)
def test_every_recording_of_a_killed_server_holds_what_it_had_reported(
    busy: Server, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    moments = random.Random()
    reported = [_kill_one(busy, database, tmp_path, moments) for _ in range(KILLS)]
    assert len(list(tmp_path.glob("*.h5"))) == KILLS
    assert max(reported) > 3


def _kill_one(busy: Server, database: EmbeddedDatabase, directory: Path, moments: random.Random) -> int:
    with event_monitor(database, directory, [busy.name], properties={"PollPeriod": ["0.02"]}) as monitor:
        path = Path(monitor.proxy.StartRecording("victim"))
        end = time.monotonic() + moments.uniform(0.0, LONGEST_LIFE_SECONDS)
        reported = 0
        while time.monotonic() < end:
            reported = int(monitor.proxy.recordedPolls)
        monitor.process.kill()
    with h5py.File(path) as file:
        polls = file["entry/polls"]
        complete = min(len(column) for column in polls.values())
        assert complete >= reported, path
        numbers = polls["poll"][:complete].tolist()
        first = numbers[0] if numbers else 0
        assert numbers == list(range(first, first + complete)), path
        received = polls["received_total"][:complete].tolist()
        assert received == sorted(received)
    return reported
