from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("rich")

from msgspec import structs
from rich.console import Console

from stem_device.analysis.verdict import Level
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts
from stem_device.report.changes import compare
from stem_device.report.messages import messages
from stem_device.report.overview import (
    Judgement,
    Overview,
    ServerRow,
    SubscriptionRow,
    Trend,
    server_row,
    subscription_rows,
    worst_servers_first,
)
from stem_device.report.screen import screen
from stem_device.report.terminal import write_svg
from stem_device.report.timing import TimingStatistics
from tests.unit.report.report_snapshots import DATABASE, SUBSCRIBER, server, snapshot, subscription

pytestmark = pytest.mark.extras


def overview(servers: int = 2, subscriptions: int = 1, messages: int = 3, timings: int = 0) -> Overview:
    return Overview(
        heading="stem monitor",
        time_utc_ns=1_700_000_000 * 10**9,
        poll=12,
        counts=Counts(published=150_000, received=29_487, missed=120_513, gaps=1, overdue=77),
        published_rate=1000.0,
        received_rate=float("nan"),
        servers=tuple(
            ServerRow(f"{DATABASE}dserver/s/{i}", ServerState.MONITORED, "", 1, 2, 3, 4)
            for i in range(servers)
        ),
        subscriptions=tuple(
            SubscriptionRow(
                f"{DATABASE}dserver/s/{i}",
                f"{DATABASE}a/b/c/d.change",
                5,
                120_513,
                missed_at_least=True,
                gaps_total=1,
                overdue=None,
            )
            for i in range(subscriptions)
        ),
        trend=Trend().then(1.0, 2.0, 3, 4),
        timings=tuple(TimingStatistics("s", "push", 9, *([1234.5] * 9)) for _ in range(timings)),
        messages=tuple(f"message {i}" for i in range(messages)),
        story="what is going on",
        footer="Ctrl-C ends",
    )


def drawn(what: Overview, width: int, height: int) -> list[str]:
    file = io.StringIO()
    console = Console(width=width, height=height, file=file, color_system=None)
    console.print(screen(what, width, height))
    return file.getvalue().splitlines()


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of this process, which is the one from before afterwards."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("time_utc_ns", "shown"),
    [(1_700_000_000 * 10**9, "23:13:20 CET"), (1_720_000_000 * 10**9, "11:46:40 CEST")],
)
@pytest.mark.parametrize(("width", "height"), [(100, 30), (60, 12)])
def test_times_have_their_zone_on_the_same_screen(time_utc_ns, shown, width, height) -> None:
    """Messages have the time of day alone: its zone stands in the first line."""
    down = server(state=ServerState.UNREACHABLE, reason="timed out")
    report = compare(replace(snapshot(down), time_utc_ns=time_utc_ns), snapshot(server()))
    what = structs.replace(overview(), time_utc_ns=time_utc_ns, messages=tuple(messages(report)))
    lines = drawn(what, width, height)
    assert lines[0].endswith(shown)
    (told,) = [line for line in lines if "timed out" in line]
    assert told.startswith(shown.partition(" ")[0])


@pytest.mark.parametrize(("width", "height"), [(100, 30), (80, 24), (60, 16), (60, 12), (200, 60)])
@pytest.mark.parametrize("rows", [0, 3, 500])
def test_the_screen_fits_the_terminal(width, height, rows) -> None:
    lines = drawn(overview(rows, rows, rows, rows), width, height)
    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width
    assert lines[-1].startswith("Ctrl-C ends")


def test_the_screen_tells_numbers_names_and_the_newest_message() -> None:
    text = "\n".join(drawn(overview(), 100, 30))
    for part in (
        "poll 12",
        "150,000",
        "1,000/s",
        "≥120,513",
        "s/1 ",
        "a/b/c/d.change",
        "message 2",
        "1 gap",
    ):
        assert part in text
    assert text.count("tango://") == 0
    assert "127.0.0.1:10000" in text


def test_what_does_not_fit_is_counted() -> None:
    text = "\n".join(drawn(overview(servers=50), 100, 30))
    shown = sum(f"\ns/{i} " in text for i in range(50))
    assert 0 < shown < 50
    assert f"… and {50 - shown} more" in text


def test_a_server_in_trouble_says_why() -> None:
    row = ServerRow(DATABASE + "s/1 ", ServerState.UNREACHABLE, "timed\nout", 0, 0, 0, 0)
    what = Overview("h", 0, 1, Counts(), 0.0, 0.0, (row,), (), Trend())
    assert "unreachable: timed out" in "\n".join(drawn(what, 120, 30))


def test_a_server_that_is_asked_less_often_says_so() -> None:
    rows = tuple(server_row(server(f"s/{every}", asked_every=every)) for every in (1, 3))
    what = Overview("h", 0, 1, Counts(), 0.0, 0.0, rows, (), Trend())
    often, spared = (line for line in drawn(what, 120, 30) if line.startswith("s/"))
    assert "asked every" not in often
    assert "monitored, asked every 3 polls" in spared


def test_of_a_server_that_never_answered_no_count_is_known() -> None:
    seen = snapshot(server(age_seconds=None, state=ServerState.UNREACHABLE, reason="timed out"))
    row = server_row(seen.servers[0])
    what = Overview("h", 0, 1, Counts(), 0.0, 0.0, (row,), (), Trend())
    for width, columns in ((120, 4), (80, 2)):
        (line,) = (line for line in drawn(what, width, 30) if "timed out" in line)
        assert line.split()[-columns:] == ["unknown"] * columns
        assert "0" not in line.split()
    assert server_row(snapshot(server(age_seconds=7.0)).servers[0]).answered


def test_overdue_that_is_not_known_is_never_0() -> None:
    counts = Counts(published=9, received=9, missed=9, overdue_unknown=3)
    row = ServerRow("s/1", ServerState.MONITORED, "", 9, 9, 9, None)
    what = Overview("h", 7, 1, counts, 1.0, 1.0, (row,), (), Trend())
    for size in ((120, 30), (60, 12)):
        text = "\n".join(drawn(what, *size))
        assert re.search(r"overdue +unknown", text)
        assert re.search(r"s/1.* unknown +9", text)
    assert re.search(r"overdue +unknown +of 3", "\n".join(drawn(what, 120, 30)))
    some = structs.replace(what, counts=structs.replace(counts, overdue=5))
    assert re.search(r"overdue +5 +\+3 unknown", "\n".join(drawn(some, 120, 30)))


def test_worst_subscriptions_come_first() -> None:
    seen = snapshot(
        server(
            SUBSCRIBER,
            subscriptions=(
                subscription(topic="fine", stream="fine"),
                subscription(topic="late", stream="late", overdue=5),
                subscription(topic="lossy", stream="lossy", missed_total=1),
                subscription(topic="unknown", stream="unknown", overdue=None),
            ),
        )
    )
    assert [row.stream for row in subscription_rows(seen)] == ["lossy", "late", "fine", "unknown"]


def test_a_picture_of_the_screen(tmp_path) -> None:
    path = tmp_path / "img" / "demo.svg"
    write_svg(overview(), path, title="stem demo")
    text = path.read_text()
    assert text.startswith("<svg")
    assert "120,513" in text
    assert "url(http" not in text


def test_the_trend_is_bounded() -> None:
    trend = Trend()
    for i in range(1000):
        trend = trend.then(i, i, i, i)
    assert len(trend.overdue) == 120
    assert trend.overdue[-1] == 999.0


LOSER = SubscriptionRow(
    f"{DATABASE}dserver/archiver-of-everything/one",
    f"{DATABASE}laboratory/spectrometer-of-the-north/17/intensity.change",
    5_000_000,
    120_513,
    missed_at_least=True,
    gaps_total=12_345,
    overdue=7_777,
    unaccounted_total=3,
)


@pytest.mark.parametrize(("width", "height"), [(60, 12), (60, 24), (80, 12), (80, 24), (100, 30), (200, 60)])
@pytest.mark.parametrize("rows", [2, 40])
def test_the_loser_is_on_every_screen_with_a_name_to_tell(width: int, height: int, rows: int) -> None:
    what = overview(rows, rows, rows, rows)
    quiet = [structs.replace(one, missed_total=0, overdue=0) for one in what.subscriptions]
    what = structs.replace(
        what,
        subscriptions=(LOSER, *quiet),
        why=tuple(f"why {number}" for number in range(rows)),
        verdict=Judgement(Level.LOST, "archiver-of-everything/one missed 120,513 events of laboratory/x"),
    )
    lines = drawn(what, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if "7,777" in line]
    assert "\N{GREATER-THAN OR EQUAL TO}120,513" in row
    assert row.startswith("archiv")
    assert "/one " in row
    assert "change " in row
    assert any(line.startswith("archiver-of-everything/one missed") for line in lines[:3])


def test_servers_come_worst_first() -> None:
    def row(name: str, *counts: int, state: ServerState = ServerState.MONITORED) -> ServerRow:
        numbers: tuple[Any, ...] = counts
        return ServerRow(name, state, "", 0, 0, *numbers)

    rows = [
        row("quiet", 0, 0),
        row("down", 0, 0, state=ServerState.NOT_EXPORTED),
        row("waits", 0, 9),
        row("lost", 1, 0),
        structs.replace(row("unaccounted", 0, 0), unaccounted_total=5),
    ]
    names = [one.name for one in worst_servers_first(rows)]
    assert names == ["unaccounted", "lost", "waits", "down", "quiet"]
