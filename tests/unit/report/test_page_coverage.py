"""What is not covered is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stem_device.report.page.coverage import recording_gaps
from stem_device.report.page.findings import find
from stem_device.report.page.report_data import PollRows
from stem_device.statistics.polls import is_long
from tests.unit.report.page_evidence import SECOND, Story, at, lossy_story


def told(story: Story) -> dict[str, str]:
    return {item.subject: item.sentence for item in find(story.evidence()).uncovered}


def test_a_recording_without_fault_has_nothing_to_tell() -> None:
    story = lossy_story()
    story.answers = [(*row[:4], 10, 10) for row in story.answers]
    story.received = [(*row[:7], 0) for row in story.received]
    assert told(story) == {}


def test_no_poll_and_one_poll() -> None:
    assert "nothing is known" in told(Story())["recording"]
    assert "One poll counts nothing" in told(Story(polls=(0.0,)))["recording"]


def test_a_recording_that_was_not_closed() -> None:
    story = lossy_story()
    story.complete = False
    assert "not closed" in told(story)["story"]


def test_servers_that_do_not_answer() -> None:
    story = lossy_story()
    story.answers = [
        (time, "dserver/sub/slow", "unreachable" if time else "monitored", "the host\nis down", 0, 0)
        for time in (0.0, 10.0, 20.0, 30.0)
    ]
    sentence = told(story)["tango://control.example.org:10000/dserver/sub/slow"]
    assert sentence == "It could not be monitored in 3 of 4 polls. Last reason: the host is down"


def test_gaps_within_a_recording() -> None:
    story = lossy_story()
    story.polls = (0.0, 10.0, 20.0, 30.0, 530.0, 540.0)
    gaps = recording_gaps(story.evidence())
    assert (gaps.begin_utc_ns.tolist(), gaps.end_utc_ns.tolist()) == ([at(30)], [at(530)])
    assert gaps.between == (False,)
    assert "for 8 min 20 s from 2026-11-22T04:00:30.000Z on" in told(story)["gap"]


@pytest.mark.parametrize(("seconds", "gaps"), [(18.9, 0), (19.0, 1)])
def test_a_gap_is_what_statistics_call_a_long_interval(seconds: float, gaps: int) -> None:
    """One poll left out, with some jitter, is a gap; one that came late is none."""
    story = lossy_story()
    story.polls = (0.0, 10.0, 20.0, 30.0, 30.0 + seconds)
    assert len(recording_gaps(story.evidence())) == gaps
    assert is_long(np.array([seconds]), np.array([10.0])).tolist() == [bool(gaps)]


def test_of_very_many_gaps_the_longest_are_told() -> None:
    story = lossy_story()
    story.polls = tuple(np.cumsum([0.0, *[10.0] * 300, *[20.0 + number for number in range(120)]]).tolist())
    gaps = [item.sentence for item in find(story.evidence()).uncovered if item.subject == "gap"]
    assert len(gaps) == 101
    assert "for 40 s from" in gaps[0]
    assert gaps[-1] == "20 shorter ones are not listed."


def test_what_another_recording_covers_is_no_gap() -> None:
    """Of two monitors one stops for a while; and a slow one beside a quick one leaves out nothing."""
    evidence = lossy_story().evidence()
    times = np.array([0, 10, 20, 60, 70, 5, 15, 25, 35, 45, 55, 65]) * SECOND
    source = np.array([0] * 5 + [1] * 7)
    polls = PollRows(times, source, np.ones(len(times), np.bool_), np.full(len(times), 10.0))
    assert len(recording_gaps(replace(evidence, polls=polls))) == 0
    slow = PollRows(times, source, polls.counted, np.where(source == 0, 10.0, 2.0))
    # From 25 to 55 s only the quick one polled, every 10 s and not every 2.
    assert recording_gaps(replace(evidence, polls=slow)).begin_utc_ns.tolist() == [
        number * SECOND for number in (25, 35, 45)
    ]


def test_events_without_samples() -> None:
    assert "1,140 of 1,200 events have no sample" in told(lossy_story())["timings"]
    story = lossy_story()
    story.latency = story.processing = story.push = ()
    assert "No event was sampled" in told(story)["timings"]


def test_samples_that_do_not_tell() -> None:
    story = lossy_story()
    story.latency = [(10.0, "dserver/sub/slow", float("nan")), (10.0, "dserver/sub/slow", 3.0)]
    assert told(story)["latency"] == "1 of 2 samples do not tell it."


def test_bounds_and_what_is_not_told() -> None:
    story = lossy_story()
    story.at_least = ("demo/pub/1/wave.change",)
    story.received = [(*row[:7], -1) for row in story.received]
    assert "Of 1 subscriptions it is a lower bound" in told(story)["missed"]
    assert "unknown of 2 of 2 subscriptions" in told(story)["overdue"]


def test_problems_of_the_targets() -> None:
    story = lossy_story()
    story.problems = ("sys/nothing/1: no such device",)
    assert told(story)["targets"] == "sys/nothing/1: no such device"
