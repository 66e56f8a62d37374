"""The thread that sends points, and the ends of a process that wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from stem_device.telemetry.metrics.batch import MAX_BATCH_BYTES, Answer, encoded
from stem_device.telemetry.metrics.buffer import Point, PointBuffer
from stem_device.telemetry.metrics.destination import Destination, DestinationError
from stem_device.telemetry.metrics.settings import MetricsSettings

BATCH_POINTS = 2_000
"""A request: some milliseconds of encoding, in which callers wait for the interpreter."""
MAX_PAUSE_SECONDS = 5.0
"""Between requests to a monitor that is away."""
LAST_ATTEMPTS = 3
LAST_PAUSE_SECONDS = 0.5
"""So the end of a program waits a second for a monitor that refuses connections, which may be starting."""

_log = logging.getLogger("stem_device.telemetry.metrics")


class Sender:
    """Sends what the buffer has, in the background and at the end. Counts what became of it."""

    def __init__(self, buffer: PointBuffer, destination: Destination, settings: MetricsSettings) -> None:
        self.buffer = buffer
        self.destination = destination
        self._settings = settings
        self._ending = threading.Event()
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause = settings.flush_seconds
        self.sent = self.rejected = self.given_up = self.errors = self.under_way = 0
        self.last_error = self.last_rejection = ""
        self._told: set[str] = set()

    def run(self) -> None:
        """Begin the thread."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stem-metrics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ending = self._ending
        while not ending.wait(self._pause):
            with self._sending:
                self._send_all(float("inf"))

    def flush(self, limit_seconds: float) -> bool:
        """Send all that there is on this thread; False if that did not succeed in time."""
        deadline = time.monotonic() + limit_seconds
        if not self._sending.acquire(timeout=max(0.0, limit_seconds)):
            return False
        try:
            return self._send_all(deadline)
        finally:
            self._sending.release()

    def end(self, limit_seconds: float) -> None:
        """Send what there is, in a few attempts, and give up what could not be sent."""
        deadline = time.monotonic() + limit_seconds
        self._ending.set()
        for _ in range(LAST_ATTEMPTS):
            if self.flush(deadline - time.monotonic()) or deadline <= time.monotonic():
                break
            time.sleep(max(0.0, min(LAST_PAUSE_SECONDS, deadline - time.monotonic())))
        lost = self.buffer.clear()
        self.given_up += lost
        if lost:
            self._tell(f"the end came: {lost} points are lost; {self.last_error}")
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
        if thread is None or not thread.is_alive():
            self.destination.close()

    def _send_all(self, deadline: float) -> bool:
        """Whether nothing waits that was there at the beginning; after a failure the rest waits too."""
        left = len(self.buffer)
        while left > 0:
            points = self.buffer.take(min(left, BATCH_POINTS))
            if not points:
                break
            left -= len(points)
            while points:
                sent = self._send(points, deadline)
                if not sent:
                    self._pause = min(MAX_PAUSE_SECONDS, max(0.1, 2 * self._pause))
                    return False
                points = points[sent:]
        self._pause = self._settings.flush_seconds
        return True

    def _send(self, points: Sequence[Point], deadline: float) -> int:
        """How many of the first points were taken or never will be; 0 after a failure: all wait again."""
        self.under_way = len(points)
        try:
            body, count = _fitting(points)
            self._account(self._answered(body, count, deadline))
        except DestinationError as error:
            if error.refused:
                self._account(Answer(0, count, str(error)))
                return count
            self.buffer.put_back(points)
            self._failed(str(error))
            return 0
        except Exception as error:  # noqa: BLE001 - no point is lost by it, and the thread goes on
            self.buffer.put_back(points)
            self._failed(f"{type(error).__name__}: {error}")
            return 0
        finally:
            self.under_way = 0
        return count

    def _answered(self, body: bytes, count: int, deadline: float) -> Answer:
        limit = min(self._settings.timeout_seconds, deadline - time.monotonic())
        if limit <= 0:
            raise DestinationError("the end came first")
        return self.destination.send(body, count, limit)

    def _account(self, answer: Answer) -> None:
        self.sent += answer.taken
        if answer.rejected:
            self.rejected += answer.rejected
            self.last_rejection = answer.reason
            self._tell(f"{answer.rejected} points were rejected by {self.destination.url}: {answer.reason}")

    def _failed(self, reason: str) -> None:
        self.errors += 1
        self.last_error = f"{self.destination.url}: {reason}"
        self._tell(f"points wait, the oldest go first: {self.last_error}")

    def _tell(self, text: str) -> None:
        """Once, not at every request."""
        kind = text.partition(":")[2]
        if kind not in self._told and len(self._told) < 100:
            self._told.add(kind)
            _log.warning("%s", text)


def _fitting(points: Sequence[Point]) -> tuple[bytes, int]:
    """A request with as many of the first points as may be in one, at least one, and how many those are."""
    count = len(points)
    body = encoded(points)
    while len(body) > MAX_BATCH_BYTES and count > 1:
        count //= 2
        body = encoded(points[:count])
    return body, count
