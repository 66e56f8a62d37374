"""Where the reports of ``stem monitor`` go: a live screen, or plain lines."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from stem_device.analysis.causes import cause_of, losers
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Verdict
from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.cli.live_view import LiveView
from stem_device.cli.shown import Shown
from stem_device.model.snapshot import Snapshot
from stem_device.report.changes import PollReport, compare
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
from stem_device.report.summary import Summary
from stem_device.report.terminal import can_draw


class View(Protocol):
    """Shows polls one after the other; a context manager. ``newest_only``: older ones are of no use then."""

    newest_only: bool

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, shown: Shown) -> None:
        """Show one poll."""

    def attend(self) -> bool:
        """Do what the person in front of it asks for meanwhile; whether that is to end."""

    def restore(self) -> None:
        """Give the terminal back at once: the process is about to be ended by a signal."""

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

    newest_only = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, shown: Shown) -> None:
        sys.stdout.writelines(f"{line}\n" for line in poll_lines(shown.report))
        sys.stdout.flush()

    def attend(self) -> bool:
        return False

    def restore(self) -> None:
        return None

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


def choose_view(*, plain: bool, as_json: bool = False) -> View:
    """Lines if standard output cannot be drawn on, or if asked for."""
    if as_json:
        return JsonView()
    return PlainView() if plain or not can_draw(Console()) else LiveView()
