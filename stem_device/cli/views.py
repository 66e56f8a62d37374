"""Where the reports of ``stem monitor`` go: a live screen, or plain lines."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from stem_device.analysis.causes import cause_of, losers
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Verdict
from stem_device.device.summary import full_snapshot
from stem_device.model.snapshot import Snapshot
from stem_device.report.changes import PollReport, compare
from stem_device.report.farewell import farewell, wrapped
from stem_device.report.lines import poll_lines, summary_lines
from stem_device.report.messages import messages
from stem_device.report.overview import (
    Overview,
    Trend,
    judgement,
    server_row,
    subscription_rows,
    worst_servers_first,
)
from stem_device.report.screen import STYLES
from stem_device.report.summary import Summary
from stem_device.report.terminal import Terminal, can_draw


class Shown(Struct, frozen=True):
    """One poll, ready to be shown."""

    report: PollReport
    overview: Overview
    snapshot: Snapshot


class View(Protocol):
    """Shows polls one after the other; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, shown: Shown) -> None:
        """Show one poll."""

    def summary(self, summary: Summary) -> None:
        """Show the end, after leaving the context."""


class Watcher:
    """Turns each Snapshot into what is shown of it, against the one before."""

    def __init__(self, heading: str, patience: Patience) -> None:
        self._heading = heading
        self._running = Running(patience)
        self._previous: Snapshot | None = None
        self._trend = Trend()
        self._messages: deque[str] = deque(maxlen=50)

    def see(self, snapshot: Snapshot, footer: str = "") -> Shown:
        self._running.take(snapshot)
        report = compare(snapshot, self._previous)
        self._previous = snapshot
        self._trend = self._trend.then(
            snapshot.published_rate, snapshot.received_rate, snapshot.counts.overdue, report.delta.missed
        )
        self._messages.extend(messages(report))
        return Shown(report, self._overview(snapshot, report, footer), snapshot)

    @property
    def verdict(self) -> Verdict | None:
        """Of all polls so far; None before the first."""
        return self._running.judged

    def _overview(self, snapshot: Snapshot, report: PollReport, footer: str) -> Overview:
        return Overview(
            heading=self._heading,
            time_utc_ns=snapshot.time_utc_ns,
            poll=snapshot.poll,
            counts=snapshot.counts,
            published_rate=snapshot.published_rate,
            received_rate=snapshot.received_rate,
            servers=worst_servers_first(server_row(server) for server in snapshot.servers),
            subscriptions=subscription_rows(snapshot),
            trend=self._trend,
            timings=report.timings,
            why=tuple(
                f"{finding.server} {finding.stream}: {cause_of(finding)}"
                for finding in losers(snapshot.findings)
            ),
            messages=tuple(self._messages),
            footer=footer,
            verdict=judgement(self.verdict) if self.verdict else None,
        )


class PlainView:
    """Lines on standard output, each as soon as it is known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, shown: Shown) -> None:
        sys.stdout.writelines(f"{line}\n" for line in poll_lines(shown.report))
        sys.stdout.flush()

    def summary(self, summary: Summary) -> None:
        sys.stdout.writelines(f"{line}\n" for line in summary_lines(summary))
        sys.stdout.flush()


class JsonView(PlainView):
    """One JSON object a poll: what the device's ``QuerySnapshot`` gives; nothing at the end."""

    def show(self, shown: Shown) -> None:
        sys.stdout.write(f"{full_snapshot(shown.snapshot)}\n")
        sys.stdout.flush()

    def summary(self, summary: Summary) -> None:
        """What was lost is in the last object."""


class LiveView:
    """The whole terminal while it lasts; the summary below the prompt after it."""

    def __init__(self) -> None:
        self._terminal = Terminal(greeting="Asking the servers ...")

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminal.__exit__(kind, error, trace)

    def show(self, shown: Shown) -> None:
        self._terminal.show(shown.overview)

    def summary(self, summary: Summary) -> None:
        verdict, *rest = farewell(summary)
        console = self._terminal.console
        console.print(Text(wrapped(verdict, console.width), style=STYLES[summary.verdict.level]))
        for paragraph in rest:
            console.print(Text(wrapped(paragraph, console.width)))


def choose_view(*, plain: bool, as_json: bool = False) -> View:
    """Lines if standard output cannot be drawn on, or if asked for."""
    if as_json:
        return JsonView()
    return PlainView() if plain or not can_draw(Console()) else LiveView()
