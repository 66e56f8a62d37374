"""Metrics of the latest poll, rendered when the poll is there and not when somebody asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stem_device.catalogue import Details, Series
from stem_device.web.rendering import Renderer, TextFormat
from stem_device.web.source import Content, NotReadyError

WANTED_SECONDS = 300.0
"""A format that nobody has asked for in that time is not rendered any more; Prometheus asks once a minute or
more often, and never less often than every 5 minutes, after which it takes series for gone."""

_KINDS = {form.value.partition(";")[0]: form for form in TextFormat}
_Key = tuple[TextFormat, Details]


class Exposition:
    """Keeps what was rendered of the latest poll. Any thread may call the methods.

    ``renew`` renders every format that somebody asked for lately; a scrape gets the bytes, or waits once for
    a format that nobody had asked for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rendering = threading.Lock()
        self._make: Callable[[Details], tuple[Series, ...]] | None = None
        self._renderers = {(form, details): Renderer() for form in TextFormat for details in Details}
        self._asked: dict[_Key, float] = {}
        self._ready: dict[_Key, bytes] = {}

    def renew(self, make: Callable[[Details], tuple[Series, ...]]) -> None:
        """``make`` gives the series of a poll that has just come."""
        with self._rendering:
            self._make = make
            oldest = self._clock() - WANTED_SECONDS
            wanted = [key for key, asked in tuple(self._asked.items()) if asked > oldest]
            # Replaced as a whole: until then a scrape gets the poll before.
            self._ready = {key: self._renderers[key].render(make(key[1]), key[0]) for key in wanted}

    def ready(self, accept: str, details: Details) -> Content | None:
        """What a scrape gets, if it is there."""
        key = (format_of(accept), details)
        body = self._ready.get(key)
        if body is None:
            return None
        self._asked[key] = self._clock()
        return Content(body, key[0].value)

    def content(self, accept: str, details: Details) -> Content:
        """What a scrape gets. Raises NotReadyError before the first poll."""
        key = (format_of(accept), details)
        with self._rendering:
            if self._make is None:
                raise NotReadyError("no poll has ended yet")
            if key not in self._ready:
                self._ready[key] = self._renderers[key].render(self._make(details), key[0])
            self._asked[key] = self._clock()
            return Content(self._ready[key], key[0].value)


def format_of(accept: str) -> TextFormat:
    """OpenMetrics where an Accept header prefers it; else the text format that every version reads."""
    best = {TextFormat.PLAIN: 0.0, TextFormat.OPEN_METRICS: 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        form = _KINDS.get(kind)
        if form is not None:
            best[form] = max(best[form], _weight(parameters))
    wins = best[TextFormat.OPEN_METRICS] > best[TextFormat.PLAIN]
    return TextFormat.OPEN_METRICS if wins else TextFormat.PLAIN


def _weight(parameters: list[str]) -> float:
    given = dict(parameter.partition("=")[::2] for parameter in parameters)
    try:
        return min(1.0, max(0.0, float(given.get("q", "1"))))
    except ValueError:
        return 0.0
