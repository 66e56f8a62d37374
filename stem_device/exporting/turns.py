"""How long one thread of a monitor's process may keep the others waiting."""

from __future__ import annotations

import sys

TURN_SECONDS = 0.0005
"""Python's own is 5 ms. Exporters give way many times a poll so that polls are not held up, and each time
wait for every other one that works. With 500 subscriptions that all lose events, some needed more than a
second for a poll then, and asking all targets took 88 ms in place of 11 (measured)."""


def take_short_turns() -> None:
    """For the whole process, so for a program to call, not for a library."""
    sys.setswitchinterval(TURN_SECONDS)
