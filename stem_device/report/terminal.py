"""The live screen on a real terminal, and a picture of it. Needs the extra "cli"."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from stem_device.report.overview import Overview
from stem_device.report.screen import screen

_FONT_FACES = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def can_draw(console: Console) -> bool:
    """Whether it is a terminal that can be drawn on: not the dumb one of an editor or a serial line."""
    return console.is_terminal and not console.is_dumb_terminal


class Terminal:
    """Takes the whole terminal on entry and gives it back as it was on exit."""

    def __init__(self, console: Console | None = None, *, greeting: str = "") -> None:
        self.console = console or Console()
        self._live = Live(
            Text(greeting, style="dim"), console=self.console, screen=True, auto_refresh=False, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, overview: Overview) -> None:
        """Draw one screen, as large as the terminal is now."""
        width, height = self.console.size
        self.draw(screen(overview, width, height))

    def draw(self, screenful: RenderableType) -> None:
        """Draw anything in place of the screen."""
        self._live.update(screenful, refresh=True)


def write_svg(overview: Overview, path: Path, *, title: str, width: int = 100, height: int = 27) -> None:
    """Write the screen as it would stand on a terminal of ``width`` columns and ``height`` rows."""
    console = Console(
        record=True,
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(screen(overview, width, height))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Rich would have the reader's browser fetch its fonts from a third party.
    path.write_text(_FONT_FACES.sub("", console.export_svg(title=title)), encoding="utf-8")
