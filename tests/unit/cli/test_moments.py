from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from typer.testing import CliRunner, Result

from stem_device.cli.app import app
from stem_device.cli.moments import moment_of, zoned
from stem_device.errors import OptionError
from tests.unit.synthetic_recording import Plan, write_recording

pytestmark = pytest.mark.extras

SECOND = 10**9
FIRST, LAST = 1_000 * SECOND, 900_000 * SECOND


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-1h", LAST - 3600 * SECOND),
        ("-1h30m", LAST - 5400 * SECOND),
        ("-1d2h3min4s", LAST - (86_400 + 7_200 + 180 + 4) * SECOND),
        ("-0.5s", LAST - SECOND // 2),
        ("+10m", FIRST + 600 * SECOND),
        ("+0s", FIRST),
        ("2026-11-22T04:00", "2026-11-22T04:00"),
        ("-1", "-1"),
        ("-1w", "-1w"),
    ],
)
def test_before_the_end_and_after_the_begin(text: str, expected: object) -> None:
    assert moment_of("--start", text, lambda: (FIRST, LAST)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T05:15 Europe/Berlin", "2026-11-22T05:15:00+01:00"),
        ("2026-07-22 05:15:30.25 Europe/Berlin", "2026-07-22T05:15:30.250000+02:00"),
        ("2026-07-22 05:15 local", "2026-07-22T05:15:00+02:00"),
        ("2026-07-22 05:15 UTC", "2026-07-22T05:15:00+00:00"),
        ("2026-11-22 05:15", "2026-11-22 05:15"),
        ("2026-11-22T05:15:00+01:00", "2026-11-22T05:15:00+01:00"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_the_clock_of_a_zone(text: str, expected: str) -> None:
    assert zoned("--start", text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-22T05:15 Nowhere/Atall", "must be a time and a zone"),
        ("yesterday Europe/Berlin", "must be a time and a zone"),
        ("2026-11-22T05:15+01:00 Europe/Berlin", "two zones"),
        ("2026-10-25T02:30 Europe/Berlin", r"put back then: say \+02:00 or \+01:00"),
        ("2026-10-25T02:30 local", r"put back then: say \+02:00 or \+01:00"),
        ("2026-03-29T02:30 Europe/Berlin", "put forward"),
        ("2026-03-29T02:30 local", "put forward"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_what_is_no_moment(text: str, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        zoned("--start", text)


def test_the_commands_take_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_recording(Path("night.h5"), Plan(polls=13, servers=1, streams=1, subscriptions=1, samples=0))

    def stem(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    assert ", 7 polls every 10 s" in stem("stats", "night.h5", "--start", "-1m").stdout
    assert ", 3 polls every 10 s" in stem("stats", "night.h5", "--start", "+30s", "--end", "-1m").stdout
    assert (
        ", 7 polls every 10 s"
        in stem("stats", "night.h5", "--start", "2026-11-22T05:01 Europe/Berlin").stdout
    )
    assert stem("why", "night.h5", "--start", "-1m").exit_code == 0
    assert stem("export", "night.h5", "--start", "-1m", "-f", "jsonl", "-o", "-").stdout.count("\n") == 7
    told = stem("compare", "night.h5", "--a", "+0s/-1m", "--b", "-1m/").stdout
    assert "6 polls" in told
    assert "7 polls" in told
    wrong = stem("stats", "night.h5", "--start", "2026-11-22T05:01 Nowhere")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("stem: --start: must be a time and a zone")
