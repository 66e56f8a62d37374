"""Single figures as PNG, SVG or PDF, drawn by a Chromium or Chrome of this machine."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable
from typing import Any

from stem_device.errors import FigureError, MissingExtraError
from stem_device.report.page.figures.catalogue import Panel

FORMATS = ("png", "svg", "pdf")
WIDTH = 1200
"""Pixels, as the page has them; a PNG has twice as many."""


def image_bytes(panels: Iterable[Panel], file_format: str) -> list[bytes]:
    """One image a figure, of its first page. Nothing is fetched from the network.

    Raises FigureError if a figure has nothing to show, or if no browser could be started or draw it;
    MissingExtraError without kaleido.
    """
    wanted = list(panels)
    for panel in wanted:
        if not panel.pages:
            raise FigureError(panel.name, panel.sentence)
    return asyncio.run(_draw(wanted, file_format, _import_kaleido()))


async def _draw(wanted: list[Panel], file_format: str, kaleido: Any) -> list[bytes]:
    name = wanted[0].name
    try:
        # Without mathjax=False it is fetched from the network.
        async with kaleido.Kaleido(n=1, mathjax=False) as browser:
            images = []
            for panel in wanted:
                name = panel.name
                images.append(
                    await browser.calc_fig(panel.pages[0].to_dict(), opts=_options(panel, file_format))
                )
            return images
    except Exception as error:  # kaleido and the browser below it raise what they like
        raise FigureError(name, _advice(error)) from error


def _options(panel: Panel, file_format: str) -> dict[str, Any]:
    return {
        "format": file_format,
        "width": WIDTH,
        "height": panel.pages[0].layout.height,
        "scale": 2 if file_format == "png" else 1,
    }


def _advice(error: Exception) -> str:
    if "ChromeNotFound" in type(error).__name__:
        return (
            "no Chromium or Chrome is installed here, which draws it; install one (Debian: apt-get install "
            "chromium), or set BROWSER_PATH to it"
        )
    return f"the browser failed ({type(error).__name__}: {' '.join(str(error).split())[:300]})"


def _import_kaleido() -> Any:
    try:
        return importlib.import_module("kaleido")
    except ImportError as error:
        raise MissingExtraError("images", "a figure as an image") from error
