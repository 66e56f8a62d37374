"""``stem stats`` and ``stem compare`` on a recording of real servers, whose subscriber knows what it lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("scipy")
pytest.importorskip("typer")

from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.system.harness import Accountant, ServerFactory, lose
from tests.system.stem_process import stem

pytestmark = pytest.mark.extras

POLLS = 8


def test_what_real_subscribers_lost_is_what_it_says(servers: ServerFactory, tmp_path: Path) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    recorder = Hdf5Recorder(tmp_path / "run.h5", RecordingContext(label="run"))
    recorder.write(accountant.snapshot)
    pushed = 0
    for _ in range(POLLS):
        publisher.publisher.push(steps=100)
        pushed += 100
        subscriber.subscriber.wait_number(pushed, index)
        recorder.write(accountant.poll())
    assert subscriber.subscriber.truth(index).missing == 0
    pushed, truth = lose(publisher, subscriber, index)
    lossy = accountant.poll()
    recorder.write(lossy)
    for _ in range(POLLS - 1):
        recorder.write(accountant.poll())
    recorder.close()

    with stem(tmp_path, "stats", "run.h5", "--json") as run:
        assert run.wait() == 0, run.errors
        found = json.loads(run.output)
    counts = found["totals"]["counts"]
    assert (counts["missed"], counts["gaps"]) == (truth.missing, truth.gaps)
    assert counts["received"] == truth.events
    assert counts["published"] == pushed
    worst = found["subscriptions"][0]
    assert (worst["server"], worst["publisher"]) == (subscriber.name, publisher.name)
    assert worst["counts"]["missed"] == truth.missing

    spans = ("--a", f"/{iso(lossy.time_utc_ns)}", "--b", f"{iso(lossy.time_utc_ns)}/")
    with stem(tmp_path, "compare", "run.h5", *spans, "--fail-on", "missed") as run:
        assert run.wait() == 6
        assert f"missed {truth.missing:,} of " in run.output
        assert "--fail-on missed: share of events missed: 0 % in A, " in run.errors


def iso(utc_ns: int) -> str:
    seconds, rest = divmod(utc_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
