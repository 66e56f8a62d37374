"""``AnalysisClient``: what metrics there are and their points, of a running monitor or of recordings."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from stem_device.errors import StemError
from stem_device.opentsdb.exact import exact_series
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.recorded import RecordedFiles
from stem_device.telemetry.metrics.destination import token_of
from stem_device.telemetry.metrics.points import nanoseconds
from stem_device.telemetry.metrics.settings import settings_of

LAST_SECONDS = 300
"""What ``get_data`` gives of a monitor where no start is told."""
TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 0.2
MAX_ANSWER_BYTES = 1_000_000_000


class NotConnectedError(StemError, RuntimeError):
    """``connect`` comes first, or did not succeed. A RuntimeError too, as users of Dragon expect."""


class _AwayError(StemError):
    """It may be there in a moment."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")


class _Place(Protocol):
    def ready(self) -> None:
        """Raises StemError while it cannot be asked."""

    def names(self) -> list[str]:
        """Of all metrics."""

    def series(self, metrics: Sequence[str], start_ns: int, tags: Sequence[str]) -> list[dict[str, Any]]:
        """As :func:`stem_device.opentsdb.exact.exact_series`, of those that have these tags."""

    def close(self) -> None:
        """Nothing is asked afterwards."""


class AnalysisClient:
    """Reads metrics, of users and the monitor's own, by the calls that users of Dragon know.

    ``source`` is the HTTP port of a monitor (``http://host:port``), the device (``sys/eventmon/1``, which
    says where its port is), or one or more recordings; without it ``STEM_METRICS_URL`` of the environment,
    or port 4242 of this machine. ``telem_cfg`` as for :class:`stem_device.telemetry.Telemetry`.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        *,
        telem_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._settings = telem_cfg
        self._place: _Place | None = None

    def connect(self, timeout: float | None = None) -> None:
        """Wait until it can be asked, for ``timeout`` seconds at the longest; without it 30.

        Raises NotConnectedError, which is a RuntimeError.
        """
        limit = TIMEOUT_SECONDS if timeout is None else timeout
        end = time.monotonic() + limit
        while True:
            try:
                place = self._made(max(0.1, end - time.monotonic()))
                place.ready()
            except StemError as error:
                if time.monotonic() + RETRY_SECONDS >= end or not isinstance(error, _AwayError):
                    raise NotConnectedError(str(error)) from error
                time.sleep(RETRY_SECONDS)
            else:
                self._place = place
                return

    def get_metrics(self) -> list[str]:
        """Names of all metrics, in order. Raises NotConnectedError before ``connect``."""
        return sorted(self._connected().names())

    def get_data(
        self,
        metrics: str | Sequence[str],
        tags: str | Sequence[str] | None = None,
        start_time: float | None = None,
    ) -> list[dict[str, Any]]:
        """``{"metric", "tags", "aggregateTags", "dps"}`` of each series: one a host and process.

        ``tags``: only series that have these labels. ``start_time``: since 1970 UTC, in s, ms, us or ns; the
        last 5 minutes of a monitor unless given, all of a recording. ``dps`` has values by time in seconds,
        an int where it is whole and a float else: every point is there.
        Raises NotConnectedError before ``connect``, AttributeError for what is no name.
        """
        place = self._connected()
        start = self._start(start_time)
        found = place.series(_texts("metrics", metrics), start, [] if tags is None else _texts("tags", tags))
        return [
            {"metric": one["metric"], "tags": one["tags"], "aggregateTags": [], "dps": _points(one)}
            for one in found
        ]

    def close(self) -> None:
        """Let go of files."""
        place, self._place = self._place, None
        if place is not None:
            place.close()

    def _connected(self) -> _Place:
        if self._place is None:
            raise NotConnectedError("call connect() first")
        return self._place

    def _start(self, start_time: float | None) -> int:
        if start_time is None:
            recorded = isinstance(self._place, _Recordings)
            return 0 if recorded else time.time_ns() - LAST_SECONDS * 10**9
        found = nanoseconds(start_time)
        if found is None:
            raise AttributeError(f"start_time must be a time since 1970, and is {start_time!r:.60}")
        return found

    def _made(self, limit_seconds: float) -> _Place:
        if self._source is not None and not isinstance(self._source, str):
            return _Recordings(self._source)
        if isinstance(self._source, str) and Path(self._source).exists():
            return _Recordings(self._source)
        settings = settings_of(self._source, limit_seconds, self._settings)
        where = settings.where
        if not where.startswith(("http://", "https://")):
            if where.count("/") < 2 or where.startswith((".", "/")):
                raise StemError(f"{where:.200} is no recording, no http://host:port and no device")
            where = _port_of(where, limit_seconds)
        return _Port(where, settings.more)


class _Port:
    """The HTTP port of a monitor, or of ``stem serve``."""

    def __init__(self, url: str, settings: Mapping[str, Any]) -> None:
        parts = urllib.parse.urlsplit(url)
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._settings = settings

    def ready(self) -> None:
        self._asked("/api/ready", [])

    def names(self) -> list[str]:
        return list(self._asked("/api/metrics", []))

    def series(self, metrics: Sequence[str], start_ns: int, tags: Sequence[str]) -> list[dict[str, Any]]:
        asked = [("metric", one) for one in metrics] + [("tag", f"{one}=*") for one in tags]
        return list(self._asked("/api/metrics", [*asked, ("start", str(start_ns))])) if metrics else []

    def close(self) -> None:
        """Each question has a connection of its own."""

    def _asked(self, path: str, parameters: Sequence[tuple[str, str]]) -> Any:
        query = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(f"{self._url}{path}{'?' * bool(query)}{query}")  # noqa: S310 - http(s)
        if token := token_of(self._settings):
            request.add_header("Authorization", token if " " in token else f"Bearer {token}")
        context = ssl.create_default_context(cafile=self._settings.get("ca_file"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.loads(answer.read(MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            said = error.read(500).decode("utf-8", "replace").strip()
            reason = f"it answers {error.code}: {said}"
            if error.code in (401, 403):
                raise StemError(f"{self._url}: {reason}") from error
            raise _AwayError(self._url, reason) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _AwayError(self._url, str(getattr(error, "reason", None) or error)) from error


class _Recordings:
    """Files, read here."""

    def __init__(self, files: Any) -> None:
        self._files = RecordedFiles(files)

    def ready(self) -> None:
        """They are open."""

    def names(self) -> list[str]:
        return list(self._files.metrics())

    def series(self, metrics: Sequence[str], start_ns: int, tags: Sequence[str]) -> list[dict[str, Any]]:
        budget = Budget(Limits(points=10**9, results=10**9, seconds=3600.0))
        return exact_series(self._files, metrics, start_ns, 2**62, budget, tags=dict.fromkeys(tags, ("*",)))

    def close(self) -> None:
        self._files.close()


def _port_of(device: str, limit_seconds: float) -> str:
    """Where the port of this EventMonitor is. Raises _AwayError."""
    import tango  # noqa: PLC0415 - only for devices

    try:
        proxy: Any = tango.DeviceProxy(device)
        proxy.set_timeout_millis(max(100, round(limit_seconds * 1000)))
        url = str(proxy.read_attribute("httpUrl").value)
    except tango.DevFailed as error:
        raise _AwayError(device, str(error.args[0].desc).strip()) from error
    if not url:
        raise _AwayError(device, "it has no HTTP port; set its property HttpAddress")
    return url


def _points(series: Mapping[str, Any]) -> dict[float, float]:
    times = (at // 10**9 if not at % 10**9 else at / 1e9 for at in series["timestamps"])
    return dict(zip(times, series["values"], strict=True))


def _texts(what: str, given: object) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list | tuple | set) or not all(isinstance(one, str) for one in texts):
        raise AttributeError(f"{what} must be a text, or a list of texts")
    return list(texts)
