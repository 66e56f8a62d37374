"""What scripts use to talk to a running EventMonitor."""

from stem_device.client.marker import MarkReply, Run, RunMarker

__all__ = ["MarkReply", "Run", "RunMarker"]
