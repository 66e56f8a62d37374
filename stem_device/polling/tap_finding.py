"""Finds the publishers behind names, and where they publish, on a thread of its own: for ``stem tap``."""

from __future__ import annotations

import logging
import threading

import tango

from stem_device.model.clock import SystemClock
from stem_device.model.options import PollingOptions
from stem_device.model.options.polling import TAP_ALL
from stem_device.model.poll import Answer, ServerState
from stem_device.polling.query_source import QuerySource
from stem_device.polling.source import Answers, PollStart
from stem_device.polling.tapping import Publisher, to_tap

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0


class FindingThread:
    """``publishers`` are those to tap now, by key, and ``notes`` say why others are not. Make it on the main
    thread. Another mapping is another finding.
    """

    def __init__(self, options: PollingOptions) -> None:
        self.publishers: dict[str, Publisher] = {}
        self.notes: tuple[str, ...] = ("the servers are being looked up",)
        self._source = QuerySource(options, clock=SystemClock())
        self._period_seconds = options.poll_period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stem-tap-finding", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; a call that hangs is left behind."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)
        self._source.close()

    def _run(self) -> None:
        clock, number = SystemClock(), 0
        with tango.EnsureOmniThread():
            while not self._stop.is_set():
                number += 1
                try:
                    self._source.take_up_targets()
                    start = PollStart(number, clock.utc_ns(), clock.monotonic_ns())
                    self._take(self._source.collect(start))
                except Exception as error:
                    logger.exception("Looking for publishers failed")
                    self.notes = (f"looking for publishers failed: {error}",)
                # At first the ports are known a moment after the first answer.
                self._stop.wait(self._period_seconds if self.publishers else 0.1)

    def _take(self, answers: Answers) -> None:
        found = to_tap(answers.answers, TAP_ALL)
        if found != self.publishers:
            self.publishers = found
        tapped = {one.server for one in found.values()}
        notes = (_note(answer) for answer in answers.answers if answer.server not in tapped)
        self.notes = (*answers.problems, *notes)


def _note(answer: Answer) -> str:
    if answer.state in {ServerState.MONITORED, ServerState.UNSUPPORTED}:
        return f"{answer.server}: has no event port, as it has had no subscriber since it started"
    return f"{answer.server}: {answer.state}: {answer.reason}"
