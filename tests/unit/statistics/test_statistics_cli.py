"""``stem stats`` and ``stem compare``, within this process."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("h5py")
pytest.importorskip("scipy")
pytest.importorskip("typer")

from typer.testing import CliRunner, Result

from stem_device.cli.app import app
from stem_device.statistics import comparison_results, results, significance
from stem_device.statistics.distribution import Distribution
from tests.unit.synthetic_recording import HOST, Loss, Outage, Plan, Truth, write_recording

pytestmark = pytest.mark.extras

POLLS = 60
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "statistics.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli")
    losses = tuple(Loss(poll, 1, 2, 60) for poll in range(2, POLLS, 4))
    write_recording(path / "good.h5", Plan(polls=POLLS))
    write_recording(path / "lossy.h5", Plan(polls=POLLS, losses=losses))
    write_recording(path / "slow.h5", Plan(polls=POLLS, latency_micros=800))
    late = tuple(Loss(poll, 1, 2, 60) for poll in range(POLLS // 2, POLLS, 2))
    write_recording(path / "later.h5", Plan(polls=POLLS, losses=late))
    return path


@pytest.fixture(scope="module")
def night(folder: Path) -> Truth:
    losses = (Loss(4, 1, 2, 30), Loss(6, 0, 1, 5))
    return write_recording(folder / "night.h5", Plan(losses=losses, outages=(Outage(8, 3, 2),)))


@pytest.fixture
def stem(folder: Path, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


def test_tables_lose_nothing_in_a_pipe(night: Truth, stem) -> None:
    result = stem("stats", "night.h5", "--limit", "0")
    assert result.exit_code == 0, result.output
    assert f"published {night.published_total:,} " in result.output
    assert f"received {night.received_total:,} " in result.output
    assert "missed 35 " in result.output
    worst = next(line for line in result.output.splitlines() if line.split()[:1] == ["30"])
    assert worst.endswith("motion/001  lab/axis/002/position02.idl5_change")
    assert "motion/003 did not answer in 2 of 20 polls (20 s): unreachable" in result.output
    for topics in night.topics:
        for topic in topics:
            assert topic.removeprefix(HOST) in result.output
    assert not any(line != line.rstrip() for line in result.output.splitlines())


def test_the_top_says_what_it_hides(night: Truth, stem) -> None:
    output = stem("stats", "night.h5", "--limit", "3").output
    assert "... and 17 more (--limit 0 shows all)" in output
    assert "... and 1 more (--limit 0 shows all)" in output


def test_json_of_a_selection(night: Truth, stem) -> None:
    start, end = (f"{night.time_utc_ns[poll].astype('datetime64[ns]')}Z" for poll in (4, 9))
    result = stem("stats", "night.h5", "--json", "--server", "*/motion/001", "--start", start, "--end", end)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["schema"], found["version"]) == ("stem-device statistics", 2)
    assert found["totals"]["counts"]["missed"] == 30
    assert found["totals"]["counts"]["received"] == night.received[4:9, 1].sum()
    assert found["totals"]["polls"] == 5
    assert [server["server"] for server in found["servers"]] == [night.servers[1]]
    assert found["timings"]["latency"]["count"] > 0


def test_json_has_null_for_what_there_is_not(night: Truth, stem) -> None:
    found = json.loads(stem("stats", "night.h5", "--json", "--end", "2026-11-22T04:00:01Z").output)
    assert found["totals"]["polls"] == 1
    assert found["totals"]["counts"]["published_rate"] is None


def test_a_selection_without_a_poll_is_wrong_usage(night: Truth, stem) -> None:
    result = stem("stats", "night.h5", "--start", "2200-01-01T00:00:00Z")
    assert result.exit_code == 2
    assert "there is no poll in it; there are" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("stats", "nowhere.h5"), 1, "nowhere.h5"),
        (("stats", "good.h5", "--start", "soon"), 2, "soon"),
        (("stats", "good.h5", "--server", "nobody"), 2, "nobody"),
        (("stats", "good.h5", "--run", "4711"), 2, "4711"),
        (("stats",), 2, "FILE"),
        (
            ("compare", "good.h5", "--a", "/2200-01-01T00:00Z", "--b", "2200-01-01T00:00Z/"),
            1,
            "B: no poll is",
        ),
        (("compare", "good.h5"), 2, "two recordings"),
        (("compare", "good.h5", "slow.h5", "lossy.h5"), 2, "two recordings"),
        (("compare", "good.h5", "nowhere.h5"), 1, "nowhere.h5"),
        (("compare", "good.h5", "nowhere-*.h5"), 2, "nowhere-*.h5"),
        (("compare", "good.h5", "--a", "2026-11-22T04:00Z/"), 2, "--b"),
        (("compare", "good.h5", "--b", "2026-11-22T04:00Z/"), 2, "--a"),
        (("compare", "good.h5", "--a", "2026-11-22T04:00Z", "--b", "/2026-11-22T04:00Z"), 2, "START/END"),
        (("compare", "good.h5", "--a", "/", "--b", "/2026-11-22T04:00Z"), 2, "START/END"),
        (("compare", "good.h5", "slow.h5", "--fail-on", "everything"), 2, "everything"),
    ],
)
def test_what_cannot_be_done_is_said(stem, arguments, code, part) -> None:
    result = stem(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert part in result.stderr


@pytest.mark.parametrize(
    ("files", "fail_on", "code"),
    [
        ("good good", "missed overdue latency processing push", 0),
        ("good lossy", "missed", 6),
        ("good lossy", "overdue latency", 0),
        ("lossy good", "missed", 0),
        ("good slow", "missed latency", 6),
        ("good lossy", "", 0),
    ],
)
def test_the_exit_code_tells_whether_it_became_worse(stem, files, fail_on, code) -> None:
    names = [f"{name}.h5" for name in files.split()]
    options = [word for kind in fail_on.split() for word in ("--fail-on", kind)]
    result = stem("compare", *names, *options)
    assert result.exit_code == code, result.output
    assert "B AGAINST A" in result.stdout
    assert (result.stderr != "") is (code == 6)
    if code == 6:
        assert result.stderr.startswith(f"stem: --fail-on {fail_on.split()[-1]}: ")


def test_what_was_lost_is_named(stem) -> None:
    result = stem("compare", "good.h5", "lossy.h5", "--fail-on", "missed")
    assert "Worse: share of events missed: 0 % in A, " in result.stdout
    assert "missed 0 of " in result.stdout
    assert "dserver/motion/001 lab/axis/002/position02.change: " in result.stderr


@pytest.mark.parametrize("whole", ["parts", "parts/lossy*.h5"])
def test_a_recording_of_several_files_is_one_side(stem, whole: str) -> None:
    losses = tuple(Loss(poll, 1, 2, 60) for poll in range(2, POLLS, 4))
    Path("parts").mkdir(exist_ok=True)
    if not any(Path("parts").iterdir()):
        write_recording(Path("parts/lossy.h5"), Plan(polls=POLLS, losses=losses, polls_a_file=25))
    found = [json.loads(stem("compare", "good.h5", side, "--json").stdout) for side in ("lossy.h5", whole)]
    assert len(list(Path("parts").iterdir())) == 3
    assert found[1]["b"]["polls"] == POLLS
    assert found[0] == found[1]


def test_time_spans_as_json(stem) -> None:
    middle = "2026-11-22T04:05:00Z"
    result = stem("compare", "later.h5", "--a", f"/{middle}", "--b", f"{middle}/", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["schema"], found["version"]) == ("stem-device comparison", 2)
    assert found["a"]["missed"] == 0 < found["b"]["missed"]
    assert found["a"]["polls"] + found["b"]["polls"] == POLLS
    worst = found["overall"][0]
    assert (worst["kind"], worst["verdict"]) == ("missed", "worse")
    assert worst["evidence"]["ratio"] is None
    assert worst["adjusted_p_value"] < 0.05


@pytest.mark.parametrize("command", ["stats", "compare"])
def test_help_teaches_by_example(command, stem) -> None:
    output = stem(command, "--help").output
    assert f"stem {command} " in output
    assert "Exit codes" in output


def test_every_field_is_documented() -> None:
    text = REFERENCE.read_text()
    known: list[Any] = [Distribution, significance.Evidence]
    for module in (results, comparison_results):
        own = [one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__]
        known += [one for one in own if is_dataclass(one)]
    assert len(known) == 22
    for one in known:
        row = next(line for line in text.splitlines() if line.startswith(f"| {one.__name__} |"))
        names = [part for part in row.split("`")[1::2] if part != "sources" or "SourceSummary" not in row]
        assert set(names) - {"sources"} == {field.name for field in fields(one)} - {"sources"}, one


def test_of_a_server_that_never_answered_no_count_is_known(folder: Path, stem) -> None:
    write_recording(folder / "dead.h5", Plan(polls=5, outages=(Outage(1, 3, 4),)))
    output = stem("stats", "dead.h5", "--limit", "0").output
    servers = output[output.index("Servers, those") :]
    dead = next(line for line in servers.splitlines() if line.endswith("motion/003"))
    well = next(line for line in servers.splitlines() if line.endswith("motion/002"))
    assert dead.split() == ["unknown"] * (len(dead.split()) - 3) + ["0", "%", "motion/003"]
    assert "unknown" not in well
