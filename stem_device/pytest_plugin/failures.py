"""What keeps the fixture from telling the truth."""

from __future__ import annotations

from stem_device.errors import StemError


class EventSourceError(StemError):
    """The monitor cannot be asked: it does not run, does not answer, or is no EventMonitor."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"the events of this test cannot be counted: {source}: {reason}")
        self.source = source
        self.reason = reason


class NothingMonitoredError(StemError):
    """No server is monitored, so that nothing could ever be missed."""

    def __init__(self, source: str, reasons: tuple[str, ...]) -> None:
        why = "; ".join(reasons) or "its targets lead to no server"
        super().__init__(f"no server is monitored by {source}: {why}")
        self.source = source
        self.reasons = reasons


class CountersResetError(StemError):
    """Somebody set the counters back during the test."""

    def __init__(self, source: str) -> None:
        super().__init__(f"{source}: the counters were set back during this test; what it missed is unknown")
        self.source = source
