"""A report in a real headless Chromium, which notes everything that a page must not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Playwright, Request, sync_playwright

from stem_device.demo.processes import wait_until

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LIMIT_MILLISECONDS = 60_000


def chromium(driver: Playwright) -> str:
    """The browser of this machine, or the one that ``make test`` downloads where there is none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), driver.chromium.executable_path)


def browser_path() -> str:
    """Where that browser is."""
    with sync_playwright() as driver:
        return chromium(driver)


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser for several pages."""
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium(driver), args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


class OpenReport:
    """A page with all its figures drawn. ``complaints`` must stay empty: see :meth:`close`."""

    def __init__(
        self, running: Browser, path: Path, *, scheme: Literal["light", "dark"] = "light", width: int = 1280
    ) -> None:
        self.complaints: list[str] = []
        self._context = running.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self._context.set_default_timeout(LIMIT_MILLISECONDS)
        self.page: Page = self._context.new_page()
        self._own = path.as_uri()
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.goto(self._own)
        self.page.wait_for_selector("html[data-drawn=all]", state="attached")

    def close(self) -> None:
        """Fails if the page asked for anything, wrote to the console or failed."""
        self._context.close()
        assert self.complaints == []

    def traces(self, figure: str) -> list[dict[str, Any]]:
        """What plotly has drawn: name, x, y, z and the other data of each trace, as lists."""
        found: list[dict[str, Any]] = self.page.evaluate(_TRACES, f"figure-{figure}")
        return found

    def trace(self, figure: str, name: str) -> dict[str, Any]:
        return next(trace for trace in self.traces(figure) if trace["name"] == name)

    def wait_until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true. Playwright's own uses eval, which the page forbids."""
        wait_until(lambda: self.page.evaluate(condition), condition, limit_seconds=LIMIT_MILLISECONDS / 1000)

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_text_contents()]

    def column(self, table: str, column: int) -> list[str]:
        """One column of a table, in the order in which its rows are."""
        return self.texts(f"#table-{table} tbody tr td:nth-child({column + 1})")

    def _asked(self, request: Request) -> None:
        if request.url.split("#")[0] != self._own and not request.url.startswith(("data:", "blob:")):
            self.complaints.append(f"request: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"console, {message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def report(
    running: Browser, path: Path, *, scheme: Literal["light", "dark"] = "light", width: int = 1280
) -> Iterator[OpenReport]:
    """Open a report, and see afterwards that it did nothing that it must not do."""
    opened = OpenReport(running, path, scheme=scheme, width=width)
    yield opened
    opened.close()


_TRACES = """(id) => {
  const plain = (value) =>
    ArrayBuffer.isView(value) || Array.isArray(value) ? Array.from(value, plain)
      : typeof value === "number" && !Number.isFinite(value) ? null : value;
  const keys = ["name", "x", "y", "z", "base", "text", "customdata", "visible", "meta"];
  return document.getElementById(id)._fullData.map(
    (trace) => Object.fromEntries(keys.map((key) => [key, plain(trace[key])]))
  );
}"""


if __name__ == "__main__":
    with browser():
        pass
