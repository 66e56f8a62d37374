"""Who missed what and when: the ledger, its grid, the time line, servers and the graph of one small story."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.bins import time_bins
from stem_device.report.page.graph import graph
from stem_device.report.page.losses import ledger, loss_grid
from stem_device.report.page.report_data import ReportData
from stem_device.report.page.servers import server_grid, server_summaries
from stem_device.report.page.timeline import timeline
from tests.unit.report.page_evidence import HOST, Story, at, lossy_story

FAST, SLOW, QUICK = (f"{HOST}dserver/{name}" for name in ("pub/fast", "sub/slow", "sub/quick"))


def many_losses(count: int) -> ReportData:
    """Subscriber i misses i + 1 events of its own publisher, at the second poll."""
    return Story(
        polls=(0.0, 10.0),
        published=[(10.0, f"dserver/pub/{i:03d}", f"dev/{i:03d}/a.change", 100) for i in range(count)],
        received=[
            (
                10.0,
                f"dserver/sub/{i:03d}",
                f"dserver/pub/{i:03d}",
                f"dev/{i:03d}/a.change",
                100 - i - 1,
                i + 1,
                1,
                0,
            )
            for i in range(count)
        ],
        answers=[(10.0, f"dserver/sub/{i:03d}", "monitored", "", 0, 0) for i in range(count)],
    ).evidence()


def test_ledger() -> None:
    evidence = lossy_story().evidence()
    entries = ledger(evidence)
    assert evidence.named(entries.server) == (SLOW, QUICK)
    assert (entries.missed.tolist(), entries.gaps.tolist()) == ([10, 0], [2, 0])
    assert entries.received.tolist() == [290, 300]
    assert entries.overdue.tolist() == [4, 0]
    assert entries.lossy == 1
    assert entries.missed_share.tolist() == [10 / 300, 0]
    assert (entries.lost_after_utc_ns[0], entries.noticed_utc_ns[0]) == (at(0), at(30))
    assert (entries.lost_after_utc_ns[1], entries.noticed_utc_ns[1]) == (0, 0)


def test_unaccounted_events_are_losses_of_the_ledger() -> None:
    story = lossy_story()
    story.unaccounted = 20
    entries = ledger(story.evidence())
    assert entries.lost.tolist() == [20, 10]
    assert (entries.missed.tolist(), entries.unaccounted.tolist()) == ([0, 10], [20, 0])


def test_a_lower_bound_is_told_only_where_something_was_missed() -> None:
    story = lossy_story()
    story.at_least = ("demo/pub/1/wave.change",)
    assert ledger(story.evidence()).at_least.tolist() == [True, False]


def test_grid_of_losses() -> None:
    evidence = lossy_story().evidence()
    bins = time_bins(evidence.polls.time_utc_ns, limit=10)
    grid = loss_grid(evidence, ledger(evidence), bins, 10)
    assert grid.lost.tolist() == [[7, 0, 3]]
    intervals = zip(grid.number, grid.since_utc_ns, grid.until_utc_ns, strict=True)
    assert list(intervals) == [(7, at(0), at(10)), (3, at(20), at(30))]
    assert grid.others.tolist() == [0, 0, 0]


def test_beyond_the_limit_losses_are_summed_up() -> None:
    evidence = many_losses(10)
    grid = loss_grid(evidence, ledger(evidence), time_bins(evidence.polls.time_utc_ns, limit=10), 4)
    assert grid.lost.tolist() == [[10], [9], [8], [7]]
    assert grid.entry.tolist() == [0, 1, 2, 3]
    assert grid.others.tolist() == [21]


def test_timeline() -> None:
    evidence = lossy_story().evidence()
    line = timeline(evidence, time_bins(evidence.polls.time_utc_ns, limit=10))
    assert line.published.tolist() == [100, 100, 100]
    assert line.received.tolist() == [193, 200, 197]
    assert line.missed.tolist() == [7, 0, 3]
    assert line.overdue.tolist() == [0, 0, 4]
    assert line.covered.all()


def test_servers() -> None:
    story = lossy_story()
    story.answers = [
        (time, server, state, reason, 5, 50)
        for time in (0.0, 10.0, 20.0, 30.0)
        for server, state, reason in (
            ("dserver/pub/fast", "monitored", ""),
            ("dserver/sub/slow", "monitored", ""),
            (
                "dserver/sub/quick",
                "unreachable" if time in (10.0, 20.0) else "monitored",
                f"no route at {time}",
            ),
        )
    ]
    evidence = story.evidence()
    found = server_summaries(evidence)
    assert evidence.named(found.server) == (SLOW, QUICK, FAST)
    assert (found.missed.tolist(), found.unanswered.tolist()) == ([10, 0, 0], [0, 2, 0])
    assert [evidence.name(code) for code in found.reason] == ["", "no route at 20.0", ""]
    assert (found.published.tolist(), found.received.tolist()) == ([0, 0, 300], [290, 300, 0])
    assert found.latency_median_micros[0] == 415.0
    assert np.isnan(found.latency_median_micros[1:]).all()
    grid = server_grid(evidence, found, time_bins(evidence.polls.time_utc_ns, limit=10), 2)
    assert grid.missed.tolist() == [[7, 0, 3], [0, 0, 0]]
    assert grid.unanswered.tolist() == [[0, 0, 0], [1, 1, 0]]
    assert grid.published.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_graph() -> None:
    evidence = lossy_story().evidence()
    found = graph(ledger(evidence), 10)
    assert evidence.named(found.publishers) == (FAST,)
    edges = {
        evidence.name(int(found.subscribers[subscriber])): (received, missed)
        for subscriber, received, missed in zip(found.subscriber, found.received, found.missed, strict=True)
    }
    assert edges == {SLOW: (290, 10), QUICK: (300, 0)}
    assert (found.left_out, found.left_out_missed) == (0, 0)


def test_graph_of_too_many_servers_says_what_is_left_out() -> None:
    evidence = many_losses(10)
    found = graph(ledger(evidence), 3)
    assert sorted(found.missed.tolist()) == [8, 9, 10]
    assert (found.left_out, found.left_out_missed) == (7, 28)
    assert len(found.publishers) == len(found.subscribers) == 3
    # Each subscriber faces its publisher: no two curves cross.
    assert found.publisher.tolist() == found.subscriber.tolist()


def test_a_publisher_that_nobody_told_is_an_entry_too() -> None:
    story = lossy_story()
    story.received = [(*row[:2], "", *row[3:]) for row in story.received]
    evidence = story.evidence()
    found = graph(ledger(evidence), 10)
    assert evidence.named(found.publishers) == ("",)
    assert found.missed.sum() == 10
