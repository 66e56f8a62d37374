"""``stem tap`` at a publisher of PyTango 9.5, and ``stem replay`` of what it wrote."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.reading.event_files import read_events
from stem_device.recording.event_files import HeardEvent, open_events
from tests.system.stem_process import stem
from tests.system.tapping import publisher

EVENTS = 40
PAUSE_SECONDS = 0.02
MANY = 5_000


@pytest.mark.needs("tango-9.5")
@pytest.mark.parametrize(
    ("suffix", "values"), [("jsonl", True), pytest.param("h5", False, marks=pytest.mark.matrix)]
)
def test_events_are_written_and_published_again(
    suffix: str, values: bool, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    path = tmp_path / f"events.{suffix}"
    with publisher("9.5", database, tmp_path) as source:
        arguments = [
            "tap",
            source.device,
            "-o",
            str(path),
            "--json",
            "--topic",
            "*.change",
            "--period",
            "0.2",
        ]
        with stem(tmp_path, *arguments, *(["--values"] if values else [])) as tap:
            tap.wait_for("has no event port")
            proxy = source.proxy
            proxy.subscribe_event("number", tango.EventType.CHANGE_EVENT, lambda _event: None)
            tap.wait_for('"connected":true')
            time.sleep(0.3)  # ZeroMQ tells nobody when the publisher has heard of a subscription
            for _ in range(EVENTS):
                source.push(1)
                time.sleep(PAUSE_SECONDS)
            proxy.PushError("number")
            tap.wait_for(f'"heard":{EVENTS + 1}')
            tap.process.terminate()
            assert tap.wait() == 0
    last = json.loads(tap.lines[-1])
    (stream,) = last["streams"]
    assert (stream["pushed"], stream["heard"], stream["lostHere"], stream["lostOnTheWay"]) == (
        *(EVENTS + 1,) * 2,
        *(0, 0),
    )
    written = list(read_events(path))
    assert [one.counter for one in written] == list(range(1, EVENTS + 2))
    assert [one.value for one in written] == [*(range(1, EVENTS + 1) if values else [None] * EVENTS), None]
    taken = (written[-1].time_utc_ns - written[0].time_utc_ns) / 1e9

    folder = tmp_path / "replay"
    folder.mkdir()
    with stem(folder, "replay", str(path), "--settle", "0.5") as replay:
        wait_until(lambda: "waiting for a subscriber" in replay.errors, "the server", limit_seconds=60.0)
        (name,) = re.findall(r"serving (\S+)", replay.errors)
        heard: list[tuple[float, object]] = []

        def callback(event: Any) -> None:
            value = event.errors[0].reason if event.err else event.attr_value.value
            heard.append((time.monotonic(), value))

        again = tango.DeviceProxy(name)
        again.subscribe_event("number", tango.EventType.CHANGE_EVENT, callback)
        assert replay.wait() == 0
    (_, *events) = heard  # the first is a reading
    if values:
        assert [value for _, value in events] == [*range(1, EVENTS + 1), "Broken"]
    else:
        assert len(events) == EVENTS + 1
    assert events[-1][0] - events[0][0] == pytest.approx(taken, rel=0.2), "with the pauses that they had"
    assert f"published {EVENTS + 1} events in" in replay.output


@pytest.mark.matrix
def test_what_cannot_be_tapped_is_said(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with stem(tmp_path, "tap", f"tango://{database.tango_host}/no/such/device", "--seconds", "2") as tap:
        assert tap.wait() == 3
    assert "no publisher could be tapped" in tap.errors
    assert "no/such/device" in tap.errors


def test_a_replay_whose_server_ends_says_so(tmp_path: Path) -> None:
    """Of more devices than a command line has room for."""
    events = open_events(tmp_path / "events.jsonl")
    for number in range(MANY):
        seconds = 1_700_000_000 + 3600 * (number == MANY - 1)
        name = f"tango://db:1/laboratory/some-device/{number:05d}/d.change"
        events.add(HeardEvent(seconds * 10**9, name, 1, 150))
    events.close()
    with stem(tmp_path, "replay", "events.jsonl", "--start-now") as replay:

        def server() -> psutil.Process | None:
            children = psutil.Process(replay.process.pid).children(recursive=True)
            found = [one for one in children if "stem_device.device.replaying" in one.cmdline()]
            return found[0] if found and "serving tango://" in replay.errors else None

        wait_until(server, "the server of the replay").kill()
        assert replay.wait() == 1
    assert "the server of the replay does not answer any more" in replay.errors
    assert "Traceback" not in replay.errors
