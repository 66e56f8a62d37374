"""What a poll amounts to: its accounts, the causes of its losses, and the verdict."""

from __future__ import annotations

import logging
import threading

from stem_device.accounting import Ledger
from stem_device.analysis.causes import Analyst
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Verdict
from stem_device.model.clock import Clock
from stem_device.model.options import Options
from stem_device.model.poll import Poll
from stem_device.model.snapshot import Snapshot
from stem_device.monitor.health import HealthNotes
from stem_device.monitor.stacks import Stacks

logger = logging.getLogger(__name__)


class Assessment:
    """Assesses one poll after the other. ``reset`` and ``verdict`` are safe from any thread."""

    def __init__(self, options: Options, stacks: Stacks | None, notes: HealthNotes, clock: Clock) -> None:
        self._stacks = stacks
        self._notes = notes
        self._lock = threading.Lock()
        self._ledger = Ledger(clock)
        self._analyst = Analyst(
            hold_seconds=options.alarm_hold_time, waiting_polls=options.overdue_alarm_polls
        )
        self._running = Running(Patience.of(options), options.alarm_hold_time)

    @property
    def verdict(self) -> Verdict | None:
        """What the last AlarmHoldTime amounts to; None before the first poll."""
        return self._running.judged

    def assess(self, poll: Poll) -> tuple[Snapshot, Verdict]:
        """The poll's Snapshot, with causes, and the verdict with it."""
        with self._lock:
            snapshot = self._with_causes(self._ledger.account(poll))
            return snapshot, self._running.take(snapshot)

    def reset(self) -> None:
        """Let all totals begin at 0 again with the next poll."""
        with self._lock:
            self._ledger.reset()

    def _with_causes(self, snapshot: Snapshot) -> Snapshot:
        """Counting and recording must not depend on whether causes can be named."""
        try:
            snapshot = self._analyst.complete(snapshot)
            return self._stacks.complete(snapshot) if self._stacks is not None else snapshot
        except Exception as error:
            logger.exception("The causes of losses could not be named")
            self._notes.note(error, consumer_errors=1)
            return snapshot
