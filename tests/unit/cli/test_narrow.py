"""Tables on terminals: what was lost stays, names are shortened in the middle, no line is wrapped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from msgspec import structs

from tests.unit.runs_marks import SECOND, mark
from tests.unit.synthetic_recording import START_UTC_NS, Loss, Plan, write_recording

pytestmark = pytest.mark.extras

STEM = "from stem_device.cli import main; main()"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("narrow")
    marks = {
        number: [
            structs.replace(
                mark(f"nightly-integration-of-everything-{number}", name, 0, device_group="laser-laboratory"),
                emitted_utc_ns=START_UTC_NS + number * 10 * SECOND + step,
            )
            for step, name in enumerate(("begin", "flashed", "end"))
        ]
        for number in (2, 4, 6)
    }
    losses = (Loss(3, 1, 1, 7),)
    plan = Plan(polls=12, servers=6, streams=2, subscriptions=2, samples=3, marks=marks, losses=losses)
    write_recording(made / "night.h5", plan)
    return made


def on_a_terminal(folder: Path, columns: int, *arguments: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", STEM, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return [ESCAPES.sub("", line).rstrip() for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [("stats", "night.h5"), ("compare", "night.h5", "night.h5"), ("runs", "night.h5"), ("why", "night.h5")],
    ids=" ".join,
)
def test_no_line_is_longer_than_the_terminal(folder: Path, columns: int, arguments: tuple[str, ...]) -> None:
    lines = on_a_terminal(folder, columns, *arguments)
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [60, 80])
def test_a_row_of_a_subscription_is_one_line_with_its_losses(folder: Path, columns: int) -> None:
    lines = on_a_terminal(folder, columns, "stats", "night.h5", "--limit", "3")
    title = next(number for number, line in enumerate(lines) if line.startswith("Subscriptions, "))
    heading, *rows = lines[title + 1 : title + 5]
    assert heading.split()[0] == "MISSED"
    assert heading.endswith("TOPIC")
    for row in rows:
        assert re.match(r"^ *\d+  .*motion/\d+ .*idl5_change$", row), row
    assert lines[title + 5].startswith("(no room for ")


def test_a_pipe_loses_no_column(folder: Path) -> None:
    told = subprocess.check_output(
        [sys.executable, "-c", STEM, "stats", "night.h5"], cwd=folder, text=True, timeout=60
    )
    assert "no room" not in told
    assert "RESETS" in told


def test_runs_keep_what_was_lost_and_who_lost_it(folder: Path) -> None:
    lines = on_a_terminal(folder, 60, "runs", "night.h5")
    (heading,) = (line for line in lines if line.startswith("RUN ") and "STATE" in line)
    # How far a heading is shortened, versions of rich differ in.
    assert [word[:4] for word in heading.split() if word.startswith(("MISS", "UNAC"))] == ["MISS", "UNAC"]
    assert sum("\N{HORIZONTAL ELLIPSIS}" in line and line.startswith("nig") for line in lines) >= 3
