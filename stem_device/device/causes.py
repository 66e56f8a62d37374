"""Status: why subscriptions lost events or wait, one line each."""

from __future__ import annotations

from collections.abc import Iterator

from stem_device.analysis.causes import cause_and_advice, losers
from stem_device.model.snapshot import Snapshot


def why(snapshot: Snapshot | None) -> Iterator[str]:
    """A line for each subscription that has a cause, worst first; names as the lines above have them."""
    for finding in losers(snapshot.findings if snapshot else ()):
        yield f"{finding.server}, {finding.stream}: {cause_and_advice(finding)}"
