"""A sample of the bench of causes (benchmarks/bench_causes.py), and whether the page says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.reading import open_recording
from stem_device.statistics.why import findings_of
from tests.system.causes.healthy import HEALTHY, Healthy
from tests.system.causes.injections import INJECTIONS, Injection
from tests.system.causes.quotes import form, quoted
from tests.system.causes.watched_system import WatchedSystem, refusing_library

pytest.importorskip("h5py")

pytestmark = pytest.mark.timeout(180)

SAMPLE = ("slow-few", "blocked", "publisher-killed", "subscriber-restarted")
MORE = ("refused", "stopped", "renewed")
HEALTHY_SAMPLE = ("both", "renewed")


@pytest.mark.parametrize(
    "injection",
    [
        pytest.param(one, id=one.name, marks=[pytest.mark.matrix] if one.name in MORE else [])
        for one in INJECTIONS
        if one.name in SAMPLE + MORE
    ],
)
def test_the_right_cause_comes_first(
    injection: Injection, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    library = refusing_library(tmp_path) if injection.refusing else None
    if injection.refusing and library is None:
        pytest.skip("there is no C compiler")
    with WatchedSystem(
        database, tmp_path, sampled=injection.sampled, record=True, refusing=library
    ) as system:
        injection.run(system)
        live = system.findings
    assert [finding.cause for finding in live[:1]] == [injection.cause], live
    assert form(live[0].sentence) in {form(text) for text in quoted()[injection.cause]} | SAID_OTHERWISE
    with open_recording(sorted(tmp_path.glob("*.h5"))) as recording:
        recorded = findings_of(recording)
    assert [finding.cause for finding in recorded[:1]] == [injection.cause], recorded


# Without samples the time in callbacks is not measured; the page quotes the sampled sentence.
SAID_OTHERWISE = {
    form("While events waited, callbacks took 500 ms an event, enough for 2 events/s; 6/s came.")
}


@pytest.mark.parametrize(
    "healthy", [one for one in HEALTHY if one.name in HEALTHY_SAMPLE], ids=lambda one: one.name
)
def test_healthy_systems_have_no_finding(
    healthy: Healthy, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with WatchedSystem(database, tmp_path) as system:
        healthy.run(system)
    assert not any(system.seen)
