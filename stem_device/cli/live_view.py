"""The live view of ``stem monitor``: the whole terminal, and the keys that are typed on it."""

from __future__ import annotations

import enum

from msgspec import structs
from rich.text import Text

from stem_device.cli.full_screen import FullScreen
from stem_device.cli.shown import Shown
from stem_device.report.farewell import farewell, wrapped
from stem_device.report.overview import Overview, worst_first, worst_servers_first
from stem_device.report.screen import STYLES
from stem_device.report.summary import Summary

_HELP = """q  ends the monitor, as Ctrl-C does
s  sorts: worst first, by name, most received first
p  holds the screen still; polling and recording go on
?  this help; any key goes back

missed   pushed, and never reached the subscription
overdue  pushed a whole poll ago, and not there yet
gaps     how often events were missed
"""


class Order(enum.StrEnum):
    """How rows are sorted; the key goes through all of them."""

    WORST = "worst first"
    NAME = "by name"
    RECEIVED = "most received first"

    @property
    def next(self) -> Order:
        every: list[Order] = list(Order)
        return every[(every.index(self) + 1) % len(every)]


class LiveView(FullScreen):
    """The whole terminal while it lasts; sentences below the prompt after it."""

    newest_only = True

    def __init__(self) -> None:
        super().__init__("Asking the servers ...")
        self._order = Order.WORST
        self._paused = False
        self._helping = False
        self._latest: Overview | None = None
        self._drawn: Overview | None = None
        self._size = (0, 0)

    def show(self, shown: Shown) -> None:
        self._latest = shown.overview
        if not self._paused:
            self._drawn = self._latest
            self._draw()

    def attend(self) -> bool:
        """Do what the keys say that were typed, and draw anew if the size changed; whether to end."""
        for key in self.keys.typed():
            if key in "qQ":
                return True
            self._press(key)
        if self._size != self.terminal.console.size:
            self._draw()
        return False

    def summary(self, summary: Summary) -> None:
        verdict, *rest = farewell(summary)
        console = self.terminal.console
        console.print(Text(wrapped(verdict, console.width), style=STYLES[summary.verdict.level]))
        for paragraph in rest:
            console.print(Text(wrapped(paragraph, console.width)))

    def _press(self, key: str) -> None:
        if self._helping or key == "?":
            self._helping = not self._helping
        elif key in "sS":
            self._order = self._order.next
        elif key in "pP":
            self._paused = not self._paused
            self._drawn = self._drawn if self._paused else self._latest
        self._draw()

    def _draw(self) -> None:
        self._size = self.terminal.console.size
        if self._helping:
            self.terminal.draw(Text(_HELP))
        elif self._drawn is not None:
            self.terminal.show(self._arranged(self._drawn))

    def _arranged(self, overview: Overview) -> Overview:
        """In the order that was chosen, with what the keys do below."""
        servers, subscriptions = overview.servers, overview.subscriptions
        match self._order:
            case Order.WORST:
                servers, subscriptions = worst_servers_first(servers), worst_first(subscriptions)
            case Order.NAME:
                servers = tuple(sorted(servers, key=lambda row: row.name))
                subscriptions = tuple(sorted(subscriptions, key=lambda row: (row.subscriber, row.stream)))
            case Order.RECEIVED:
                servers = tuple(sorted(servers, key=lambda row: -row.received_total))
                subscriptions = tuple(sorted(subscriptions, key=lambda row: -row.received_total))
        return structs.replace(
            overview,
            heading=f"PAUSED  {overview.heading}" if self._paused else overview.heading,
            servers=servers,
            subscriptions=subscriptions,
            footer=" · ".join(text for text in (overview.footer, self._hint()) if text),
        )

    def _hint(self) -> str:
        if not self.keys.active:
            return "Ctrl-C ends"
        return f"q ends, s sorts ({self._order}), p {'goes on' if self._paused else 'pauses'}, ? helps"
