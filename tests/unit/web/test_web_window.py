"""The window of the live page: bounded by time and by bytes, whatever moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from stem_device.model.mark import Mark, MarkKind
from stem_device.model.snapshot import Snapshot
from stem_device.web.once import Kept
from stem_device.web.window import SUBSCRIPTION_BYTES, Window
from tests.unit.made_snapshots import BEGIN_UTC_NS, SECOND, server, snapshot, stream, subscription

ROWS = tuple(subscription(f"a/b/c/x{number}.idl5_change") for number in range(100))


def polled(seconds: float, *, moved: int = 0) -> Snapshot:
    rows = tuple(structs.replace(row) if n < moved else row for n, row in enumerate(ROWS))
    return snapshot(server("s", *rows, texts=("x" * 10_000,)), seconds=seconds)


def test_the_oldest_go_when_their_time_is_over() -> None:
    window = Window(seconds=10.0)
    for second in range(50):
        window.add(polled(second))
    assert [one.poll for one in window.snapshots] == list(range(40, 51))


def test_the_oldest_go_when_there_is_no_room() -> None:
    room = 2_000_000
    window = Window(max_bytes=room)
    for second in range(1000):
        window.add(polled(second, moved=100))
        assert window.bytes <= room
    kept = window.snapshots
    assert kept[-1].poll == 1000
    assert 10 < len(kept) < room / (100 * SUBSCRIPTION_BYTES)


def test_what_did_not_move_takes_little_room() -> None:
    window = Window(max_bytes=2_000_000)
    for second in range(500):
        window.add(polled(second, moved=1))
    assert len(window.snapshots) == 500


def test_one_poll_stays_however_large_it_is() -> None:
    window = Window(max_bytes=10)
    window.add(polled(0))
    window.add(polled(1))
    assert [one.poll for one in window.snapshots] == [2]


def test_texts_of_replies_are_not_kept() -> None:
    window = Window()
    window.add(polled(0))
    assert window.snapshots[0].servers[0].texts == ()
    assert window.snapshots[0].servers[0].subscriptions == ROWS


def test_marks_since_the_oldest_poll() -> None:
    window = Window(seconds=10.0)
    for second in (0, 20):
        received = BEGIN_UTC_NS + (second + 1) * SECOND
        window.add_mark(
            Mark(
                kind=MarkKind.MARK,
                run="r",
                name=f"at {second}",
                emitted_utc_ns=received,
                received_utc_ns=received,
                received_monotonic_ns=0,
            )
        )
    window.add(replace(polled(0), servers=(server("s", streams=(stream(),)),)))
    assert len(window.marks) == 2
    window.add(polled(20))
    assert [mark.name for mark in window.marks] == ["at 20"]


def test_what_is_expensive_is_made_seldom() -> None:
    now, made = [0.0], []

    def make() -> int:
        made.append(now[0])
        now[0] += 4.0
        return len(made)

    kept = Kept(make, seconds=10.0, rest=5.0, clock=lambda: now[0])
    assert kept.get() == kept.get() == 1
    now[0] = 23.9  # made within 4 s, so kept for 20 s
    assert kept.get() == 1
    now[0] = 24.0
    assert kept.get() == 2


def test_what_could_not_be_made_is_tried_again() -> None:
    results: Iterator[ValueError | int] = iter([ValueError("first"), 7])

    def make() -> int:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    kept = Kept(make, seconds=10.0)
    with pytest.raises(ValueError, match="first"):
        kept.get()
    assert kept.get() == 7
