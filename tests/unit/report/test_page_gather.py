"""What is read from a recording, against the truth of the recording; views; several monitors."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.report.page.findings import Findings, find
from tests.unit.synthetic_recording import Loss, Outage, Plan, write_recording

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

from stem_device.report.page.gather import gather  # noqa: E402 - the statistics need an optional part

PLAN = Plan(polls=30, servers=4, losses=(Loss(10, 1, 2, 30), Loss(20, 1, 2, 4), Loss(20, 2, 0, 9)))


def found(*paths: Path, **selection: str) -> Findings:
    with open_recording(list(paths)) as recording:
        return find(gather(recording.select(**selection)))


def test_totals_are_those_between_the_first_and_the_last_poll(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", replace(PLAN, outages=(Outage(7, 0, 4),)))
    findings = found(tmp_path / "a.h5")
    assert findings.timeline.published.tolist() == truth.published[1:].sum(axis=(1, 2)).tolist()
    assert findings.timeline.received.sum() == truth.received_total == findings.ledger.received.sum()
    assert findings.timeline.missed.sum() == truth.missed_total == 43
    assert findings.ledger.gaps.sum() == truth.gaps_total
    assert findings.servers.unanswered.sum() == 4
    latency = truth.subscriber_samples["first_callback_latency_micros"]
    assert findings.timings["latency"].samples == np.count_nonzero(~np.isnan(latency))
    assert findings.timings["latency"].p99_micros == np.quantile(latency[~np.isnan(latency)], 0.99)


def test_files_of_one_recording_are_one(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", replace(PLAN, polls_a_file=7))
    findings = found(*truth.paths)
    assert len(truth.paths) == 5
    assert findings.timeline.missed.tolist() == truth.missed[1:].sum(axis=(1, 2)).tolist()
    assert len(findings.gaps) == 0


def test_a_time_counts_its_first_poll_too(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", PLAN)
    first = truth.plan.start_utc_ns + 10 * 10 * 10**9
    with open_recording(tmp_path / "a.h5") as recording:
        findings = find(gather(recording.select(start=first, servers="dserver/motion/001")))
    assert findings.timeline.missed.tolist() == truth.missed[10:, 1].sum(axis=1).tolist()
    assert findings.timeline.missed.sum() == 34
    assert len(findings.servers) == 1


def test_two_monitors_of_the_same_servers_do_not_count_twice(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", PLAN)
    write_recording(
        tmp_path / "b.h5", replace(PLAN, recording_id="another", start_utc_ns=PLAN.start_utc_ns + 10**9)
    )
    findings = found(tmp_path / "a.h5", tmp_path / "b.h5")
    assert findings.ledger.missed.sum() == truth.missed_total
    assert len(findings.ledger) == PLAN.servers * PLAN.subscriptions


def test_one_recording_after_the_other(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", PLAN)
    later = replace(PLAN, recording_id="another", start_utc_ns=PLAN.start_utc_ns + 3600 * 10**9)
    write_recording(tmp_path / "b.h5", later)
    findings = found(tmp_path / "a.h5", tmp_path / "b.h5")
    assert findings.timeline.missed.sum() == 2 * truth.missed_total
    assert findings.gaps.between == (True,)
    gap = int(np.argmax(findings.bins.seconds))
    assert not findings.timeline.covered[gap]
    assert findings.timeline.covered.sum() == len(findings.bins) - 1


def test_how_long_polls_took_is_read_where_the_file_has_it(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.h5", PLAN)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["entry/polls/ask_seconds"][:] = np.arange(30) / 100
        file["entry/polls/record_seconds"][5] = 7.0
    phases = {phase.name: phase for phase in found(tmp_path / "a.h5").own_polls.phases}
    assert set(phases) == {"ask", "record"}
    assert (phases["ask"].polls, phases["ask"].worst_seconds) == (30, 0.29)
    assert (phases["record"].polls, phases["record"].worst_seconds) == (1, 7.0)
    old = tmp_path / "old.h5"
    old.write_bytes(
        lzma.decompress((Path(__file__).parents[2] / "data" / "recording-1.1.h5.xz").read_bytes())
    )
    assert found(old).own_polls.phases == ()
