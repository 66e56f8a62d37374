"""Unit tests wait for conditions, never for time, as the system tests do."""

from __future__ import annotations

from collections.abc import Callable

from stem_device.demo import processes


def wait_until(condition: Callable[[], object]) -> None:
    """Return when ``condition`` is true, looking often, as nothing here is another process."""
    processes.wait_until(condition, "what the test waits for", interval_seconds=0.005)
