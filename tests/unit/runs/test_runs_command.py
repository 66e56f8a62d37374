"""``stem runs`` on a recording whose truth is known, as JSON and as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tests.unit.runs_marks import mark
from tests.unit.synthetic_recording import START_UTC_NS, Loss, Plan, Truth, write_recording

pytest.importorskip("typer")
pytest.importorskip("h5py")

from typer.testing import CliRunner, Result

from stem_device import open_recording
from stem_device.cli.app import app
from stem_device.model.mark import Mark
from stem_device.runs import events_per_run, events_per_stage, runs_of

pytestmark = pytest.mark.extras

HOSTILE = "[bold]<script>[/bold]"


def at(run: str, name: str, seconds: float, **told: Any) -> Mark:
    """A mark so many seconds after the recording began."""
    emitted = START_UTC_NS + round(seconds * 1e9)
    return structs.replace(mark(run, name, 0, **told), emitted_utc_ns=emitted, received_utc_ns=emitted)


MARKS = {
    # Written late, and the end before the begin: in the file they are out of order.
    6: [
        at("first", "end", 55, error="no boot"),
        at("first", "begin", 5, device_group="laser", requestor="eva"),
        at("first", "flashed", 25),
    ],
    8: [
        *(at("short", name, 31 + i, device_group=HOSTILE) for i, name in enumerate(["begin", "end"])),
        at("waiting", "begin", 71, device_group="laser", requestor="eva"),
        at("waiting", "queued", 72),
        at("last", "begin", 72.5, device_group="laser", requestor="bob"),
    ],
}
LOSSES = (Loss(2, 1, 2, 7), Loss(4, 0, 1, 4), Loss(5, 1, 2, 1))


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Polls every 10 s from 0 to 90 s, in two files; those of even numbers end 10 to 16 ms later."""
    plan = Plan(polls=10, samples=0, marks=MARKS, losses=LOSSES, polls_a_file=5)
    return write_recording(tmp_path_factory.mktemp("runs") / "night.h5", plan)


def run(truth: Truth, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["runs", *map(str, truth.paths), *arguments])


def told(truth: Truth, *arguments: str) -> dict[str, Any]:
    result = run(truth, *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def test_events_of_runs_are_those_of_the_polls(truth: Truth) -> None:
    with open_recording(truth.paths) as recording:
        runs = list(runs_of(recording).ids)
        found = events_per_run(recording)
        stages = events_per_stage(recording)
    polls = {"first": slice(1, 6), "short": slice(0, 0), "waiting": slice(8, 10), "last": slice(8, 10)}
    for name, table in (
        ("published", truth.published),
        ("received", truth.received),
        ("missed", truth.missed),
    ):
        sums = [int(table[polls[run]].sum()) for run in runs]
        assert getattr(found.ended_within, name).tolist() == sums
    assert dict(zip(runs, found.polls.tolist(), strict=True)) == {
        "first": 5,
        "short": 0,
        "waiting": 2,
        "last": 2,
    }
    assert int(truth.missed.sum()) == 12
    # begin to flashed: polls at 10 and 20 s; flashed to end: those at 30, 40, 50 s.
    assert stages.events.ended_within.missed.tolist()[:2] == [7, 5]


def test_views_of_the_recording(truth: Truth) -> None:
    with open_recording(truth.paths) as recording:
        view = recording.select(run="first")
        found = events_per_run(view)
        assert list(runs_of(view).ids) == ["first"]
        assert found.ended_within.missed.tolist() == [12]
        assert found.ended_within.published.tolist() == [int(truth.published[1:6].sum())]
        one_server = recording.select(servers="dserver/motion/001")
        assert events_per_run(one_server).ended_within.missed[0] == 8


def test_json_tells_everything(truth: Truth) -> None:
    document = told(truth, "--duration", "end - begin", "--duration", "flashed - begin")
    assert (document["schema"], document["version"]) == ("stem-device.runs", 2)
    assert document["poll_seconds"] == pytest.approx(10, abs=0.01)
    laser, hostile = document["groups"]
    assert laser["device_group"] == "laser"
    assert (laser["runs"], laser["failed"], laser["queued"]["number"], laser["ongoing"]["number"]) == (
        3,
        {"number": 1, "share": pytest.approx(1 / 3)},
        1,
        1,
    )
    assert laser["requestors"] == [
        {"name": "eva", "requests": 2, "runs": 2},
        {"name": "bob", "requests": 1, "runs": 1},
    ]
    assert laser["seconds"] == {
        "count": 1,
        "minimum": 50,
        "maximum": 50,
        "mean": 50,
        "standard_deviation": None,
    }
    assert hostile["device_group"] == HOSTILE
    whole, flashed = document["durations"]
    assert [(pair["run"], pair["seconds"]) for pair in whole["pairs"]] == [("first", 50), ("short", 1)]
    assert (flashed["unpaired_earlier"], flashed["unpaired_later"]) == (3, 0)
    first, short, waiting, last = document["runs"]
    assert (first["state"], first["error"], waiting["state"], last["state"]) == (
        "ended",
        "no boot",
        "queued",
        "ongoing",
    )
    assert [one["name"] for one in first["marks"]] == ["begin", "flashed", "end"]
    assert [one["seconds"] for one in first["stages"]] == [20, 30]
    losses = [(one["after"], one["server"], one["missed"]) for one in first["losses"]]
    servers = truth.servers
    assert losses == [("begin", servers[1], 7), ("flashed", servers[0], 4), ("flashed", servers[1], 1)]
    assert [one["first_after"] for one in first["losses"]] == ["begin", "flashed", "flashed"]
    assert [(one["unaccounted"], one["shared_by_runs"]) for one in first["losses"]] == [
        (0, 1),
        (0, 2),
        (0, 1),
    ]
    # From the last poll at which nothing was lost to the one that told it, in seconds.
    moments = [
        (one["since_utc_ns"] - START_UTC_NS, one["until_utc_ns"] - START_UTC_NS) for one in first["losses"]
    ]
    assert [(since // 10**9, until // 10**9) for since, until in moments] == [(10, 20), (30, 40), (40, 50)]
    assert {one["stream"] for one in first["losses"]} == {truth.subscribed[1][2], truth.subscribed[0][1]}
    # Too short to be told from what was before and after: no number is made up.
    assert short["events"]["ended_within"] is None
    assert short["events"]["at_least"]["published"] == 0
    assert short["events"]["at_most"]["published"] == int(truth.published[4].sum())
    assert first["events"]["at_most"]["missed"] == 12


def test_a_group_and_what_queued_means(truth: Truth) -> None:
    document = told(truth, "--group", "laser", "--queued", "begin", "--duration", "end - begin")
    assert [one["id"] for one in document["runs"]] == ["first", "waiting", "last"]
    assert [one["state"] for one in document["runs"]] == ["ended", "ongoing", "queued"]
    assert [one["device_group"] for one in document["groups"]] == ["laser"]
    (whole,) = document["durations"]
    assert (whole["seconds"]["count"], whole["unpaired_earlier"]) == (1, 2)


def test_tables_for_a_person(truth: Truth) -> None:
    output = run(truth, "--duration", "end - begin").output
    lines = [line.split() for line in output.splitlines()]
    assert next(line[:11] for line in lines if line[:1] == ["laser"]) == [
        "laser",
        "3",
        "1",
        "(33%)",
        "1",
        "(33%)",
        "1",
        "(33%)",
        "1",
        "(33%)",
        "1",
    ]
    first = ["first", "after", "begin", "motion/001", "lab/axis/002/position02.change", "7", "0"]
    assert [*first, "2026-11-22T04:00:10.000Z", "2026-11-22T04:00:20.012Z"] in lines
    # Two runs were going on when this was lost: each has it, and says so.
    shared = ["motion/000", "lab/axis/001/position01.change", "by", "2", "runs", "4", "0"]
    assert ["first", "after", "flashed", *shared] in [line[:10] for line in lines]
    assert ["short", "after", "begin", *shared] in [line[:10] for line in lines]
    assert (
        "end - begin: 2 pairs, mean 25.5 s ± 34.6 s, 1 s to 50 s; without a partner: 2 begin, 0 end" in output
    )
    assert ["begin", "4", "4", "1"] in lines
    assert HOSTILE in output
    assert f"0..{int(truth.published[4].sum()):,}" in output
    assert "here every 10 s" in output
    assert "and 2 more" in run(truth, "--limit", "2").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--duration", "tested - begin"],
            "no mark has this name; there are 'begin', 'end', 'flashed', 'queued'",
        ),
        (["--duration", "begin"], "must be of the form 'LATER - EARLIER'"),
        (["-g", "lasers"], "no run is of it; there are laser"),
    ],
)
def test_what_does_not_come_up_is_wrong_usage(truth: Truth, arguments: list[str], words: str) -> None:
    result = run(truth, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_files_that_cannot_be_used(truth: Truth, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["runs", str(tmp_path / "none.h5")])
    assert result.exit_code == 1
    assert "none.h5" in result.stderr
    assert "Examples" in CliRunner().invoke(app, ["runs", "--help"]).output
    write_recording(tmp_path / "quiet.h5", Plan(polls=2, samples=0))
    result = CliRunner().invoke(app, ["runs", str(tmp_path / "quiet.h5")])
    assert result.exit_code == 0
    assert "No marks of runs in this recording" in result.output


def test_a_thousand_runs_agree_with_their_plan(tmp_path: Path) -> None:
    """Through the file: the durations of every run, of shuffled marks with iterations."""
    random = np.random.default_rng(7)
    lengths = random.integers(1, 10**9, (300, 3))
    marks = []
    for number, row in enumerate(lengths.tolist()):
        moments = np.cumsum([number * 10**9, *row]).tolist()
        for name, moment in zip(("begin", "a", "b", "end"), moments, strict=True):
            marks.append(at(f"run {number}", name, moment / 1e9, iteration=2 if name in "ab" else None))
    random.shuffle(marks)
    write_recording(tmp_path / "many.h5", Plan(polls=2, samples=0, marks={0: marks}))
    result = CliRunner().invoke(
        app, ["runs", str(tmp_path / "many.h5"), "--duration", "b - a", "--duration", "end - begin", "--json"]
    )
    document = json.loads(result.output)
    for found, expected in zip(document["durations"], (lengths[:, 1], lengths.sum(axis=1)), strict=True):
        seconds = {pair["run"]: pair["seconds"] for pair in found["pairs"]}
        assert [round(seconds[f"run {i}"] * 1e9) for i in range(300)] == pytest.approx(expected, abs=300)
