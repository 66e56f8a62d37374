"""The sentence on top: what was lost, by whom, when."""

from __future__ import annotations

import pytest
from page_evidence import Story, lossy_story

from stem_device.report.page.findings import find
from stem_device.report.page.headline import headline


def said(story: Story) -> str:
    return headline(find(story.evidence()))


def test_losses_are_told_with_who_what_and_when() -> None:
    assert said(lossy_story()) == (
        "10 of 600 events (1.7 %) were missed by 1 of 2 subscriptions, "
        "noticed between 2026-11-22 04:00:10 and 2026-11-22 04:00:30 UTC. "
        "It was sub/slow that missed them, of demo/pub/1/wave.change. "
        "During run nightly-1 (7). 4 more are overdue at the end."
    )


def test_a_lower_bound_is_told_as_one() -> None:
    story = lossy_story()
    story.at_least = ("demo/pub/1/wave.change",)
    assert said(story).startswith("At least 10 of 600 events")


def test_nothing_missed() -> None:
    story = lossy_story()
    story.received = [(*row[:4], row[4] + row[5], 0, 0, 0) for row in story.received]
    assert said(story) == "Nothing was missed: all 600 events for 2 subscriptions arrived."


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
            "Nobody subscribes to anything here: 12 events were published.",
        ),
    ],
)
def test_recordings_that_tell_little(story: Story, sentence: str) -> None:
    assert said(story) == sentence
