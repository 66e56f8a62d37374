"""A client that is no device server: ``python -m tests.truth.client DEVICE`` subscribes until it is ended."""

from __future__ import annotations

import sys
import time

import tango

if __name__ == "__main__":
    proxy = tango.DeviceProxy(sys.argv[1])
    proxy.subscribe_event("a0", tango.EventType.CHANGE_EVENT, lambda _event: None)
    sys.stdout.write("subscribed\n")
    while True:
        time.sleep(1)
