"""The fixture ``event_monitor`` in real test runs against real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.runs import RunState, events_per_run, runs_of
from tests.system.event_monitors import event_monitor
from tests.system.harness import Server, ServerFactory

ROOT = Path(__file__).parents[2]

TESTS = """
import json, os, time
from contextlib import suppress
from pathlib import Path
import pytest
from stem_device.demo.processes import OutOfTimeError
from tests.system.harness import Publisher, Subscriber

STEPS = 10_000
publisher = Publisher(os.environ["PUBLISHER"])
subscriber = Subscriber(os.environ["SUBSCRIBER"])


@pytest.fixture
def index():
    index = subscriber.subscribe(publisher, "waveform")
    # What is pushed before the connection is there goes nowhere.
    for _ in range(60):
        publisher.push("waveform")
        with suppress(OutOfTimeError):
            subscriber.wait_events(1, index, limit_seconds=0.5)
            break
    subscriber.wait_number(publisher.pushed()["waveform.change"], index)
    yield index
    subscriber.unsubscribe(index)


@pytest.fixture
def lose(index, tmp_path_factory):
    def lose():
        subscriber.set_delay(index, 0.05)
        publisher.push("waveform", steps=STEPS)
        subscriber.set_delay(index, 0)
        still(index)
    return lose


def still(index):
    # What was queued has been delivered once there is no event for half a second.
    since, last = time.monotonic(), None
    while time.monotonic() - since < 0.5:
        now = subscriber.truth(index).events
        if now != last:
            since, last = time.monotonic(), now
        time.sleep(0.05)


@pytest.fixture
def tell(request):
    # The truth, for whoever judges this run.
    def tell(**facts):
        path = Path("facts.json")
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | {request.node.name: facts}))
    return tell


def one_more(index):
    publisher.push("waveform")
    return subscriber.wait_number(publisher.pushed()["waveform.change"], index)


def test_clean(index, event_monitor):
    before = subscriber.truth(index)
    publisher.push("waveform", steps=100)
    event_monitor.mark("pushed")
    event_monitor.assert_nothing_missed()
    assert event_monitor.missed == 0
    assert event_monitor.published == event_monitor.received == 100
    assert [(one.received, one.missed, one.overdue) for one in event_monitor.subscriptions] == [(100, 0, 0)]


def test_missed(index, lose, tell, event_monitor):
    lose()
    truth = one_more(index)
    tell(missing=truth.missing)
    assert truth.missing > 0
    assert event_monitor.missed == 0


def test_asserted(index, lose, tell, event_monitor):
    lose()
    tell(missing=one_more(index).missing)
    event_monitor.assert_nothing_missed()


def test_silent(index, lose, tell, event_monitor):
    # The last event of one flood in many finds room: then its gap is noticed, and nothing is overdue.
    for _ in range(5):
        lose()
        truth = subscriber.truth(index)
        pushed = publisher.pushed()["waveform.change"]
        if pushed > truth.last_number:
            break
    tell(missing=truth.missing, overdue=pushed - truth.last_number)
    assert pushed > truth.last_number
    event_monitor.assert_nothing_missed()


def test_after_others_lost_events(index, lose, request):
    lose()
    monitor = request.getfixturevalue("event_monitor")
    monitor.assert_nothing_missed()
"""


@pytest.fixture(scope="module")
def pair(module_servers: ServerFactory) -> tuple[Server, Server]:
    return module_servers(), module_servers()


@dataclass(frozen=True)
class Run:
    """A run of pytest in a directory of its own that has come to its end."""

    directory: Path
    output: str

    @property
    def summary(self) -> str:
        """How many passed and failed, without the time it took."""
        return self.output.strip().rpartition("\n")[2].strip("= ").partition(" in ")[0]

    def facts(self, test: str) -> dict[str, int]:
        """What the test knew to be true."""
        known: dict[str, dict[str, int]] = json.loads((self.directory / "facts.json").read_text())
        return known[test]


def run_pytest(
    directory: Path, database: EmbeddedDatabase, pair: tuple[Server, Server], *arguments: str
) -> Run:
    """Run the tests above with a publisher and a subscriber."""
    publisher, subscriber = pair
    environment = {
        "PUBLISHER": publisher.publisher.device,
        "SUBSCRIBER": subscriber.subscriber.device,
        "TANGO_HOST": database.tango_host,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    (directory / "test_inner.py").write_text(TESTS)
    (directory / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\nevent_monitor_settle_seconds = 1\n"
        f"event_monitor_targets =\n    {publisher.name}\n    {subscriber.name}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
        check=False,
    )
    return Run(directory, done.stdout)


@pytest.fixture(scope="module")
def own_engine(
    database: EmbeddedDatabase, pair: tuple[Server, Server], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """All of the tests, monitored by an engine in their process, which records."""
    directory = tmp_path_factory.mktemp("own")
    return run_pytest(directory, database, pair, "--event-monitor-recordings", "recordings")


def test_clean_tests_pass_and_lossy_ones_fail(own_engine: Run) -> None:
    assert own_engine.summary == "3 failed, 2 passed", own_engine.output
    for test in ("missed", "asserted", "silent"):
        assert f"FAILED test_inner.py::test_{test}" in own_engine.output


def test_the_error_names_publisher_subscriber_and_count(own_engine: Run, pair: tuple[Server, Server]) -> None:
    for test in ("test_missed", "test_asserted"):
        sentence = missed_sentence(own_engine.facts(test)["missing"], pair)
        assert sentence in error_of(own_engine, test)
    missing = own_engine.facts("test_missed")["missing"]
    assert f"assert {missing:,} missed events == 0" in error_of(own_engine, "test_missed")


def test_losses_that_no_later_event_has_revealed(own_engine: Run, pair: tuple[Server, Server]) -> None:
    overdue = own_engine.facts("test_silent")["overdue"]
    assert overdue > 0
    error = error_of(own_engine, "test_silent")
    assert f"{overdue:,} overdue events:" in error
    assert f"stemdemo/{pair[1].instance} did not receive the last {overdue:,} events of test/" in error


def test_every_test_is_a_run_of_the_recording(own_engine: Run) -> None:
    (path,) = (own_engine.directory / "recordings").iterdir()
    with open_recording(path) as recording:
        runs = list(runs_of(recording))
        events = events_per_run(recording)
    clean, lossy, *_ = runs
    assert [run.id.split(" ")[0] for run in runs] == [
        f"test_inner.py::test_{name}"
        for name in ("clean", "missed", "asserted", "silent", "after_others_lost_events")
    ]
    assert [mark.name for mark in clean.marks] == ["begin", "pushed", "end"]
    assert (clean.state, clean.error, clean.device_group) == (RunState.ENDED, None, "test_inner.py")
    assert str(lossy.error).startswith("AssertionError: assert")
    # A poll before the begin and one before the end: what happened in between is exact.
    assert events.ended_within.published[0] == 100
    assert events.ended_within.missed.tolist()[:2] == [0, own_engine.facts("test_missed")["missing"]]


def test_with_a_running_event_monitor(
    database: EmbeddedDatabase, pair: tuple[Server, Server], tmp_path: Path
) -> None:
    targets = [server.name for server in pair]
    with event_monitor(database, tmp_path, targets, properties={"PollPeriod": ["5"]}) as monitor:
        path = monitor.proxy.StartRecording("night")
        arguments = ("-k", "clean or test_missed", "--event-monitor", monitor.name)
        run = run_pytest(tmp_path, database, pair, *arguments)
        monitor.proxy.StopRecording()
    assert run.summary == "1 failed, 1 passed, 3 deselected", run.output
    missing = run.facts("test_missed")["missing"]
    assert missed_sentence(missing, pair) in run.output
    with open_recording(path) as recording:
        clean, lossy = runs_of(recording)
        events = events_per_run(recording)
    assert [mark.name for mark in clean.marks] == ["begin", "pushed", "end"]
    assert (clean.error, str(lossy.error)[:14]) == (None, "AssertionError")
    assert events.ended_within.missed.tolist() == [0, missing]
    assert events.ended_within.published[0] == 100


def test_where_nothing_can_be_monitored_nothing_passes(
    database: EmbeddedDatabase, pair: tuple[Server, Server], tmp_path: Path
) -> None:
    arguments = ("-k", "clean", "--event-monitor-target", "no/such/device")
    run = run_pytest(tmp_path, database, pair, *arguments)
    assert run.summary == "4 deselected, 1 error", run.output
    assert "NothingMonitoredError: no server is monitored by the engine of the tests" in run.output


def missed_sentence(missing: int, pair: tuple[Server, Server]) -> str:
    assert missing > 0
    publisher, subscriber = (server.instance for server in pair)
    stream = f"test/publisher/{publisher}/waveform.change"
    return f"stemdemo/{subscriber} missed {missing:,} events of {stream}, published by stemdemo/{publisher}"


def error_of(run: Run, test: str) -> str:
    """The lines that pytest printed about one failed test."""
    return run.output.partition(f" {test} __")[2].partition("\n____")[0]
