"""``stem monitor`` against real servers; the subscribers themselves count what they missed."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.harness import Server, ServerFactory
from tests.system.stem_process import PROGRAM, Stem, read_terminal, stem

h5py = pytest.importorskip("h5py")

STREAM = "waveform"
BURST = 8_000


@pytest.fixture
def pair(servers: ServerFactory) -> tuple[Server, Server]:
    """A publisher, and a subscriber to it."""
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher, STREAM)
    return publisher, subscriber


def lose_events(publisher: Server, subscriber: Server, run: Stem) -> int:
    """Lose events in a slow callback, first overdue, then noticed; how many the subscriber never got."""
    subscriber.subscriber.set_delay(0, 0.02)
    publisher.publisher.push_in_background(STREAM, steps=BURST)
    publisher.publisher.wait_pushed()
    run.wait_for(" overdue ")
    subscriber.subscriber.set_delay(0, 0.0)

    def noticed() -> bool:
        # What is pushed while the queue is still full is lost as well.
        publisher.publisher.push(STREAM)
        time.sleep(0.1)
        pushed = publisher.publisher.pushed()[f"{STREAM}.change"]
        return subscriber.subscriber.truth().last_number == pushed

    wait_until(noticed, "the last event", limit_seconds=60.0)
    return subscriber.subscriber.truth().missing


def sampled(server: Server) -> bool:
    """Whether the server samples event timings now."""
    reply = json.loads(server.query())
    return any(side is not None and side["perf"] is not None for side in (reply["server"], reply["client"]))


def wait_polls(run: Stem, polls: int) -> None:
    """Wait for so many polls more."""
    wanted = len(run.kinds("poll")) + polls
    wait_until(lambda: len(run.kinds("poll")) >= wanted, f"{polls} polls")


def test_lost_events_are_told_exactly_and_recorded(pair, database: EmbeddedDatabase, tmp_path: Path) -> None:
    publisher, subscriber = pair
    arguments = ("monitor", publisher.name, subscriber.name, "-p", "0.5", "-o", "run.h5")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        run.wait_for(" subscription-new ")
        missed = lose_events(publisher, subscriber, run)
        assert missed > 0
        run.wait_for(" missed ")
        wait_polls(run, 2)
        run.signal(signal.SIGINT)
        assert run.wait() == 0
        told = run.kinds("missed")
        assert sum(int(line["missed"]) for line in told) == missed
        assert told[-1]["missed_total"] == str(missed)
        assert told[-1]["server"] == subscriber.name
        assert any(int(line["overdue"]) > 0 for line in run.kinds("overdue"))
        (summary,) = run.kinds("summary")
        truth = subscriber.subscriber.truth()
        assert (summary["missed"], summary["received"]) == (str(missed), str(truth.events))
        assert summary["published"] == str(publisher.publisher.pushed()[f"{STREAM}.change"])
        (lossy,) = run.kinds("lossy")
        assert lossy["server"] == subscriber.name
        assert run.errors == ""
    with h5py.File(tmp_path / "run.h5"):
        pass


def test_timings_with_m_and_sampling_off_after_ctrl_c(
    pair, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    publisher, subscriber = pair
    arguments = ("monitor", publisher.publisher.device, subscriber.name, "--enable-perfmon", "-p", "0.3")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        wait_until(lambda: sampled(publisher) and sampled(subscriber), "sampling")
        publisher.publisher.push_in_background(STREAM, steps=0, period_seconds=0.01)
        run.wait_for("name=latency")
        run.signal(signal.SIGINT)
        assert run.wait() == 0
        names = {line["name"] for line in run.kinds("timing")}
        assert names == {"push", "between-pushes", "sleep", "processing", "latency", "between-receives"}
        for line in run.kinds("timing"):
            assert float(line["min_us"]) <= float(line["q01_us"]) <= float(line["median_us"])
            assert float(line["median_us"]) <= float(line["q99_us"]) <= float(line["max_us"]) + 0.5
    assert not sampled(publisher)
    assert not sampled(subscriber)


def test_sampling_is_off_after_term_too(pair, database: EmbeddedDatabase, tmp_path: Path) -> None:
    publisher, _ = pair
    with stem(tmp_path, "monitor", publisher.name, "-m", "-p", "0.3", tango_host=database.tango_host) as run:
        wait_until(lambda: sampled(publisher), "sampling")
        run.wait_for(" poll ")
        run.signal(signal.SIGTERM)
        assert run.wait() == 0
        assert run.kinds("summary")
    assert not sampled(publisher)


def test_json_lines_compressed_and_appended(pair, database: EmbeddedDatabase, tmp_path: Path) -> None:
    publisher, subscriber = pair
    arguments = [
        "monitor",
        publisher.name,
        subscriber.name,
        "-p",
        "0.2",
        "-o",
        "run.jsonl.gz",
        "--polls",
        "3",
    ]
    for more in ([], ["-a"]):
        with stem(tmp_path, *arguments, *more, tango_host=database.tango_host) as run:
            assert run.wait() == 0
            assert len(run.kinds("poll")) == 3
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == 2
        assert "is there already" in run.errors
    with gzip.open(tmp_path / "run.jsonl.gz", "rt") as file:
        polls = [json.loads(line) for line in file]
    assert len(polls) == 6
    assert all(set(poll["replies"]) == {publisher.name, subscriber.name} for poll in polls)
    assert polls[0]["replies"][subscriber.name]["data"]["client"] is not None


def test_no_target_can_be_monitored(servers, database: EmbeddedDatabase, tmp_path: Path) -> None:
    server = servers()
    server.process.stop()
    arguments = ("monitor", server.name, "no/such/device", "-p", "0.3", "-o", "run.jsonl")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        assert run.wait() == 3
        assert run.output == ""
        assert "no target can be monitored" in run.errors
        assert server.name in run.errors
        assert "no/such/device" in run.errors
    assert not (tmp_path / "run.jsonl").exists()


def test_a_period_too_short_to_connect_in_is_no_missing_target(
    pair, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    for _ in range(3):
        with stem(
            tmp_path, "monitor", pair[0].name, "-p", "0.01", "--polls", "3", tango_host=database.tango_host
        ) as run:
            assert run.wait() == 0, run.errors
            assert run.kinds("poll")[0]["monitored"] == "1/1"
            assert len(run.kinds("poll")) == 3


def test_wait_goes_on_until_a_target_is_there(servers, database: EmbeddedDatabase, tmp_path: Path) -> None:
    server = servers()
    server.process.stop()
    arguments = ("monitor", server.name, "--wait", "-p", "0.3")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        run.wait_for("monitored=0/1")
        server.process.start()
        run.wait_for("monitored=1/1")
        run.signal(signal.SIGINT)
        assert run.wait() == 0


def test_a_reader_that_goes_away_ends_it_quietly(pair, database: EmbeddedDatabase, tmp_path: Path) -> None:
    publisher, _ = pair
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "monitor", publisher.name, "-m", "-p", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TANGO_HOST": database.tango_host},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert b" poll " in process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert not sampled(publisher)


def test_a_live_table_on_a_terminal(pair, database: EmbeddedDatabase) -> None:
    publisher, subscriber = pair
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "monitor",
            publisher.name,
            subscriber.name,
            "-p",
            "0.3",
            "--polls",
            "3",
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={
            **os.environ,
            "TANGO_HOST": database.tango_host,
            "TERM": "xterm",
            "COLUMNS": "100",
            "LINES": "30",
        },
    )
    os.close(theirs)
    try:
        seen = read_terminal(ours)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    live, _, after = seen.rpartition("\x1b[?1049l")
    assert "\x1b[?1049h" in live
    for part in ("SUBSCRIBER", "STREAM", "waveform.change", "Ctrl-C ends"):
        assert part in live
    assert "\r\n3 polls of 2 servers in " in after
    assert "=" not in after
