"""What scripts and user interfaces use to talk to a running EventMonitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_device.client.marker import MarkReply, Run, RunMarker
from stem_device.client.watching import Watch, watch

if TYPE_CHECKING:
    from stem_device.client.analysis import AnalysisClient, NotConnectedError

__all__ = ["AnalysisClient", "MarkReply", "NotConnectedError", "Run", "RunMarker", "Watch", "watch"]


def __getattr__(name: str) -> object:
    """The reader of metrics, imported when it is first asked for: it brings recordings along."""
    if name in {"AnalysisClient", "NotConnectedError"}:
        from stem_device.client import analysis  # noqa: PLC0415

        return getattr(analysis, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
