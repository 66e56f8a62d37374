"""The sentence on top: what was lost, by whom, when."""

from __future__ import annotations

import pytest

from stem_device.report.page.findings import find
from stem_device.report.page.headline import headline
from tests.unit.report.page_evidence import Story, lossy_story


def said(story: Story) -> str:
    return headline(find(story.evidence()))


def test_losses_are_told_with_who_what_and_when() -> None:
    assert said(lossy_story()) == (
        "sub/slow missed 10 events of demo/pub/1/wave.change from pub/fast (3.33 % of the 300 meant for it), "
        "lost between 2026-11-22 04:00:00 and 04:00:30 UTC; 4 events are overdue; "
        "known subscriptions: 2 in 2 servers. During run nightly-1 (7)."
    )


def test_a_lower_bound_is_told_as_one() -> None:
    story = lossy_story()
    story.at_least = ("demo/pub/1/wave.change",)
    assert said(story).startswith("sub/slow missed at least 10 events")


def healthy_story() -> Story:
    story = lossy_story()
    story.received = [(*row[:4], row[4] + row[5], 0, 0, 0) for row in story.received]
    story.runs = []
    story.stages = []
    return story


def test_nothing_missed() -> None:
    assert said(healthy_story()) == (
        "Nothing was missed between 2026-11-22 04:00:00 and 04:00:30 UTC: all 600 events arrived; "
        "known subscriptions: 2 in 2 servers."
    )


@pytest.mark.parametrize(
    ("overdue", "words"),
    [
        ({30: 3301}, "3,301 events of demo/pub/1/wave.change for sub/slow are just overdue"),
        ({20: 3000, 30: 3301}, "sub/slow waits for 3,301 overdue events of demo/pub/1/wave.change"),
        ({20: -1, 30: -1}, "overdue events of 1 subscription are unknown"),
    ],
)
def test_nothing_missed_never_stands_beside_overdue(overdue: dict[int, int], words: str) -> None:
    story = healthy_story()
    story.received = [
        (*row[:7], overdue.get(int(row[0]), 0) if row[1].endswith("slow") else 0) for row in story.received
    ]
    assert words in said(story)
    assert "Nothing was missed" not in said(story)


def test_unaccounted_events_are_lost() -> None:
    story = healthy_story()
    story.unaccounted = 5
    assert said(story).startswith(
        "sub/quick has 5 events of demo/pub/1/wave.change from pub/fast unaccounted"
    )


def test_a_run_without_end_is_no_headline() -> None:
    story = lossy_story()
    story.runs = [("for-ever", 0.0, 30.0, False, False, 10, 10)]
    story.stages = []
    assert "for-ever" not in said(story)


def test_many_runs_are_counted() -> None:
    story = lossy_story()
    story.runs = [(f"r{i}", 0.0, 30.0, True, False, i, i) for i in range(6)]
    assert "During runs r5 (5), r4 (4), r3 (3) and 2 more." in said(story)


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        (Story(), "There is no poll in this recording: nothing is known."),
        (
            Story(polls=(0.0,)),
            "There is one poll in this recording: events are counted from one poll to the next.",
        ),
        (
            Story(polls=(0.0, 1.0), published=[(1.0, "dserver/a/1", "a/b/c/d.change", 12)]),
            "There is no subscription here: 12 events were published.",
        ),
    ],
)
def test_recordings_that_tell_little(story: Story, sentence: str) -> None:
    assert said(story) == sentence
