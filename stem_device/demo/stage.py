"""Where the demo is shown: on the whole terminal, or as plain lines in a pipe."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from stem_device.report import number_text
from stem_device.report.lines import known, quoted
from stem_device.report.overview import Judgement, Overview, SubscriptionRow
from stem_device.report.terminal import Terminal, can_draw


class Stage(Protocol):
    """Shows the demo; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, overview: Overview, news: tuple[str, ...]) -> None:
        """Show one poll; ``news`` are the sentences it added."""


class LiveStage:
    """The whole terminal."""

    def __init__(self) -> None:
        self._terminal = Terminal(greeting="Waiting for the first events ...")

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminal.__exit__(kind, error, trace)

    def show(self, overview: Overview, news: tuple[str, ...]) -> None:
        del news  # they are among the messages of the overview
        self._terminal.show(overview)


class PlainStage:
    """Lines on standard output: a scene when it changes, a line a poll, who lost what, a new verdict."""

    def __init__(self) -> None:
        self._scene = ""
        self._verdict: Judgement | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, overview: Overview, news: tuple[str, ...]) -> None:
        stamp = number_text.utc(overview.time_utc_ns)
        if overview.story != self._scene:
            self._scene = overview.story
            write_lines(f"{stamp} scene {quoted(overview.story)}")
        counts = overview.counts
        write_lines(
            f"{stamp} poll number={overview.poll} published={counts.published} received={counts.received}"
            f" overdue={known(counts.known_overdue)} missed={counts.missed} gaps={counts.gaps}",
            *(f"{stamp} {_lossy(row)}" for row in overview.subscriptions if row.missed_total or row.overdue),
            *(f"{stamp} news {quoted(sentence.partition(' ')[2])}" for sentence in news),
        )
        verdict = overview.verdict
        if verdict is not None and (self._verdict is None or verdict.level is not self._verdict.level):
            write_lines(f"{stamp} verdict level={verdict.level.word} text={quoted(verdict.sentence)}")
        self._verdict = verdict


def _lossy(row: SubscriptionRow) -> str:
    return (
        f"{'missed' if row.missed_total else 'overdue'} server={row.subscriber} stream={row.stream}"
        f" received={row.received_total} overdue={known(row.overdue)} missed={row.missed_total}"
    )


def write_lines(*lines: str) -> None:
    """Write to standard output, at once."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def choose_stage(*, plain: bool) -> Stage:
    """Lines if standard output cannot be drawn on, or if asked for."""
    return PlainStage() if plain or not can_draw(Console()) else LiveStage()
