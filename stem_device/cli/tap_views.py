"""Where the reports of ``stem tap`` go: a live table, plain lines, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from stem_device.cli.full_screen import FullScreen
from stem_device.cli.json_output import print_json
from stem_device.report.tap import TrafficReport, total_lines, traffic_document, traffic_lines, traffic_screen
from stem_device.report.terminal import can_draw


class TapView(Protocol):
    """Shows reports one after the other; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, report: TrafficReport) -> None:
        """Show one report."""

    def attend(self) -> bool:
        """Whether the person in front of it asks for the end."""

    def restore(self) -> None:
        """Give the terminal back at once: the process is about to be ended by a signal."""

    def end(self, report: TrafficReport) -> None:
        """Show the sums, after leaving the context."""


class PlainTapView:
    """Lines on standard output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, report: TrafficReport) -> None:
        sys.stdout.writelines(f"{line}\n" for line in traffic_lines(report))
        sys.stdout.flush()

    def attend(self) -> bool:
        return False

    def restore(self) -> None:
        return None

    def end(self, report: TrafficReport) -> None:
        sys.stdout.writelines(f"{line}\n" for line in total_lines(report))
        sys.stdout.flush()


class JsonTapView(PlainTapView):
    """One object a report, each on a line."""

    def show(self, report: TrafficReport) -> None:
        print_json(traffic_document(report))
        sys.stdout.flush()

    def end(self, report: TrafficReport) -> None:
        self.show(report)


class LiveTapView(FullScreen, PlainTapView):
    """The whole terminal while it lasts; the sums below the prompt after it."""

    def __init__(self, heading: str) -> None:
        super().__init__("Looking for the publishers ...")
        self._heading = heading

    def show(self, report: TrafficReport) -> None:
        width, height = self.terminal.console.size
        self.terminal.draw(traffic_screen(self._heading, report, width, height))

    def attend(self) -> bool:
        return any(key in "qQ" for key in self.keys.typed())


def choose_tap_view(servers: Sequence[str], *, plain: bool, as_json: bool) -> TapView:
    """The table on a terminal, lines elsewhere."""
    if as_json:
        return JsonTapView()
    if plain or not can_draw(Console()):
        return PlainTapView()
    return LiveTapView(f"stem tap  {' '.join(servers)}")
