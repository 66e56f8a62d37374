"""Verdicts of Snapshots made by hand."""

from __future__ import annotations

from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Verdict
from stem_device.model.snapshot import Snapshot


def judged(*snapshots: Snapshot, patience: Patience | None = None, hold_seconds: float = 300.0) -> Verdict:
    """What the device thinks after the last one."""
    running = Running(patience or Patience(), hold_seconds)
    for one in snapshots:
        running.take(one)
    assert running.judged is not None
    return running.judged
