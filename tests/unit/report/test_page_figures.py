"""Figures hold the numbers of what was computed, or say why there is no figure."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from stem_device.report.page import limits
from stem_device.report.page.figures.catalogue import FIGURES, panel, panels
from stem_device.report.page.figures.style import DARK, NO_RECORDING
from stem_device.report.page.findings import find
from stem_device.report.page.html_page import page_html
from tests.unit.report.page_evidence import Story, lossy_story

pytest.importorskip("plotly")
pytestmark = pytest.mark.extras

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(1)</script><b>%{x}$y$"


def traces(name: str, story: Story, page: int = 0) -> list[Any]:
    return list(panel(name, find(story.evidence())).pages[page].data)


def many_runs(count: int) -> Story:
    story = lossy_story()
    story.runs = [
        (f"run-{i:03d}", i * 0.1, i * 0.1 + 3, True, i % 7 == 3, int(i == 25) * 9, 9) for i in range(count)
    ]
    story.stages = [
        stage
        for i in range(count)
        for stage in ((i, "begin", "mid", i * 0.1, i * 0.1 + 1), (i, "mid", "end", i * 0.1 + 1, i * 0.1 + 3))
    ]
    return story


def test_timeline() -> None:
    published, received, missed, overdue = traces("timeline", lossy_story())
    assert published.customdata[:-1].tolist() == [100, 100, 100]
    assert published.y.tolist() == [10, 10, 10, 10]
    assert received.customdata[:-1].tolist() == [193, 200, 197]
    assert list(missed.y) == [7, 0, 3]
    assert overdue.y[:-1].tolist() == [0, 0, 4]
    assert published.x[0] == "2026-11-22T04:00:00.000"


@pytest.mark.parametrize("name", ["timeline", "losses", "lag", "servers", "timings", "processes"])
def test_times_that_were_not_recorded_are_grey_without_a_line(name: str) -> None:
    story = lossy_story()
    story.polls = (*story.polls, 530.0, 540.0)
    (drawn,) = panel(name, find(story.evidence())).pages
    grey = [shape for shape in drawn.layout.shapes if shape.fillcolor == NO_RECORDING]
    assert [(shape.x0, shape.x1) for shape in grey] == [
        ("2026-11-22T04:00:30.000", "2026-11-22T04:08:50.000")
    ]
    assert [(shape.type, shape.line.width, shape.layer) for shape in grey] == [("rect", 0, "below")]


def test_how_far_behind() -> None:
    (line,) = traces("lag", lossy_story())
    assert line.y.tolist() == [0, 0, 2.0, 2.0]
    assert "slow" in line.name
    story = lossy_story()
    story.received = [(*row[:7], -1) for row in story.received]
    assert not panel("lag", find(story.evidence())).pages


def test_only_those_furthest_behind_are_lines() -> None:
    story = lossy_story()
    story.received = [
        (time, f"dserver/a/{number}", "dserver/p/1", f"s{number}", 1, 0, 0, number)
        for number in range(limits.LAGGING_SUBSCRIPTIONS + 3)
        for time in (10, 20, 30)
    ]
    found = find(story.evidence())
    assert len(found.lags.entry) == limits.LAGGING_SUBSCRIPTIONS
    assert found.lags.others == 2  # one was never behind
    assert found.lags.seconds[0].tolist() == [5.0, 5.0, 5.0]
    assert "2 more" in panel("lag", found).caption


def test_losses_over_the_stages() -> None:
    *stages, intervals, cells = traces("losses", lossy_story())
    assert list(intervals.x)[:2] == ["2026-11-22T04:00:00.000", "2026-11-22T04:00:10.000"]
    assert intervals.text[0] == "7 lost between 2026-11-22 04:00:00 and 04:00:10 UTC"
    assert cells.customdata.tolist() == [[7, 0, 3]]
    assert np.isnan(cells.z[0][1])
    assert [stage.name for stage in stages] == ["begin → flashed", "flashed → end"]
    assert [list(stage.x) for stage in stages] == [[10_000], [10_000]]
    assert list(stages[0].base) == ["2026-11-22T04:00:05.000"]


def test_losses_without_runs() -> None:
    story = lossy_story()
    story.runs, story.stages = (), ()
    _, cells = traces("losses", story)
    assert cells.customdata.tolist() == [[7, 0, 3]]


def test_overlapping_runs_lie_side_by_side_and_the_rest_is_counted() -> None:
    story = many_runs(100)
    findings = find(story.evidence())
    drawn = panel("losses", findings)
    lanes = {lane for trace in drawn.pages[0].data[:-2] for lane in trace.y}
    assert lanes == set(range(limits.PHASE_LANES))
    shown = len({row[0] for trace in drawn.pages[0].data[:-2] for row in trace.customdata})
    assert f"{100 - shown:,} runs are left out there" in drawn.caption


def test_distributions() -> None:
    latency, processing, push = traces("distributions", lossy_story())
    assert [int(sum(trace.customdata[:-1])) for trace in (latency, processing, push)] == [20, 20, 20]
    assert sum(latency.y[:-1]) == pytest.approx(100)
    assert "median 415 µs, 99 % below 430 µs" in latency.name


def test_timings_over_time() -> None:
    drawn = traces("timings", lossy_story())
    medians = {trace.meta: trace.y.tolist() for trace in drawn if trace.name == "median"}
    assert medians == {"latency": [410, 420, 430], "processing": [40, 40, 40], "push": [20, 20, 20]}


def test_servers() -> None:
    missed, received, published, silence = traces("servers", lossy_story())
    assert missed.customdata.tolist() == [[7, 0, 3], [0, 0, 0], [0, 0, 0]]
    assert (missed.visible, received.visible, published.visible) == (True, False, False)
    assert received.customdata.sum() == 590
    assert published.customdata.sum() == 300
    assert len(silence.x) == 0


def test_graph() -> None:
    drawn = {trace.name: trace for trace in traces("graph", lossy_story())}
    assert {tuple(row[:2]) for row in drawn["connections"].customdata} == {(290, 10), (300, 0)}
    assert list(drawn["publisher"].text) == ["pub/fast"]
    assert set(drawn["subscriber"].text) == {"sub/slow", "sub/quick"}
    assert "10 missed" in drawn["connections"].text
    assert {"nothing missed", "more than 1 % missed"} <= set(drawn)


def test_stages_come_in_pages_of_twenty() -> None:
    drawn = panel("stages", find(many_runs(45).evidence()))
    assert [len(page.data[0].x) for page in drawn.pages] == [20, 20, 5]
    first, second = drawn.pages[1].data
    assert (first.name, second.name) == ("begin → mid", "mid → end")
    assert first.x.tolist() == pytest.approx([1.0] * 20)
    assert second.x.tolist() == pytest.approx([2.0] * 20)
    assert drawn.pages[1].layout.yaxis.ticktext[5] == "run-025"
    assert drawn.pages[1].layout.yaxis.ticktext[4] == "run-024 (error)"
    assert [note.text for note in drawn.pages[1].layout.annotations] == ["<b>9 missed</b>"]


def test_runs_beyond_the_limit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUNS", 30)
    drawn = panel("stages", find(many_runs(45).evidence()))
    assert [len(page.data[0].x) for page in drawn.pages] == [20, 10]
    assert "The last 15 runs are left out." in drawn.caption


@pytest.mark.parametrize(
    ("story", "empty"),
    [
        (Story(), set(FIGURES)),
        (Story(polls=(0.0,)), set(FIGURES)),
        (Story(polls=(0.0, 1.0)), set(FIGURES) - {"timeline"}),
    ],
    ids=["no poll", "one poll", "no server"],
)
def test_a_sentence_in_place_of_an_empty_figure(story: Story, empty: set[str]) -> None:
    drawn = tuple(panels(find(story.evidence())))
    assert {one.name for one in drawn if not one.pages} == empty
    assert all(bool(one.sentence) != bool(one.pages) for one in drawn)


def test_every_colour_has_one_for_the_dark_or_is_told_apart_on_both() -> None:
    drawn = " ".join(one.pages[0].to_json() for one in panels(find(lossy_story().evidence())))
    used = set(re.findall(r"#[0-9a-f]{6}", drawn))
    assert used <= set(DARK)


def hostile_page() -> str:
    story = lossy_story()
    story.received = [(*row[:3], f"{HOSTILE}.change", *row[4:]) for row in story.received]
    story.runs = [(HOSTILE, *row[1:]) for row in story.runs]
    story.stages = [(row[0], HOSTILE, row[2], *row[3:]) for row in story.stages]
    story.processes = [*story.processes, (9.0, 0.5, HOSTILE, "duration", 8)]
    return page_html(find(story.evidence()), title=HOSTILE, made=HOSTILE)


def test_hostile_names_do_not_leave_their_places() -> None:
    page = hostile_page()
    assert "<img" not in page.lower().split("<script>")[0]
    data = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', page, re.S)
    assert len(data) == len(FIGURES) + 1
    for _, text in data:
        json.loads(text)
    # The script of the page, the packed one, and the closing tag of each.
    assert len(re.findall(r"<script>", page)) == len(re.findall(r'<script type="text/plain"', page)) == 1
    assert len(re.findall(r"</script>", page)) == len(data) + 2


def test_hostile_names_are_no_markup_for_plotly() -> None:
    story = lossy_story()
    story.received = [(*row[:3], f"{HOSTILE}.change", *row[4:]) for row in story.received]
    cells = traces("losses", story)[-1]
    (text,) = {text for row in cells.text for text in row}
    assert not set("<>$") & set(text)
    assert "%{" not in cells.hovertemplate.replace("%{text}", "").replace("%{x}", "").replace(
        "%{customdata:,}", ""
    )
