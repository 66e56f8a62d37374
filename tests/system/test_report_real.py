"""A report of a recording of real servers names the subscription that lost events, with the exact count."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.model.mark import Mark, MarkKind
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.system.harness import Accountant, ServerFactory, lose
from tests.system.report_page import browser, report


def mark(kind: MarkKind, name: str) -> Mark:
    now = time.time_ns()
    return Mark(
        kind=kind, run="burst-1", name=name, emitted_utc_ns=now, received_utc_ns=now, received_monotonic_ns=0
    )


@pytest.mark.needs("browser")
def test_the_lossy_subscription_is_named_with_its_count(servers: ServerFactory, tmp_path: Path) -> None:
    publisher, slow, idle = servers(), servers(), servers()
    lossy = slow.subscriber.subscribe(publisher.publisher)
    idle.subscriber.subscribe(publisher.publisher, event_type="USER_EVENT")
    accountant = Accountant(publisher, slow, idle)
    path = tmp_path / "real.h5"
    recorder = Hdf5Recorder(path, RecordingContext(label="burst"))
    recorder.write(accountant.snapshot)
    recorder.write_mark(mark(MarkKind.BEGIN, "begin"))
    pushed, truth = lose(publisher, slow, lossy)
    recorder.write(accountant.poll())
    publisher.publisher.push(kinds="user", steps=3)
    idle.subscriber.wait_events(3)
    recorder.write(accountant.poll())
    recorder.write_mark(mark(MarkKind.END, "end"))
    recorder.close()

    page = tmp_path / "real.html"
    outcome = CliRunner().invoke(app, ["report", str(path), "-o", str(page)])
    assert outcome.exit_code == 0, outcome.output
    with browser() as running, report(running, page) as opened:
        meant = truth.missing + truth.events
        (headline,) = opened.texts(".headline")
        assert f"stemdemo/{slow.instance} missed {truth.missing:,} events" in headline
        assert f"% of the {meant:,} meant for it" in headline
        assert "known subscriptions: 2 in 2 servers" in headline
        # The poll before the run is where the interval of the loss begins.
        assert f"burst-1 (up to {truth.missing:,})" in headline
        assert opened.column("subscriptions", 3) == [f"{truth.missing:,}", "0"]
        assert opened.column("subscriptions", 8) == [f"{truth.events:,}", "3"]
        assert sum(map(sum, opened.trace("losses", "lost")["customdata"])) == truth.missing
        assert sum(opened.trace("timeline", "published")["customdata"][:-1]) == pushed + 3
        connections = opened.trace("graph", "connections")["customdata"]
        assert {(int(row[0]), int(row[1])) for row in connections} == {(truth.events, truth.missing), (3, 0)}
