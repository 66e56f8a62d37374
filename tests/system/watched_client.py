"""A client that is no device server, watched, and that counts what it is called with.

``python watched_client.py DEVICE MONITOR DELAY_SECONDS NAME``; each line on its standard input is a question:
``watch``, ``counts`` (JSON), ``end``. Its main thread does what that of a user interface does: it is always
there, and ``longest_pause`` is for how long it was not.
"""

from __future__ import annotations

import json
import select
import sys
import time
from typing import Any

import tango

from stem_device.client import watch

TICK_SECONDS = 0.005


def main(device: str, monitor: str, delay: str, name: str) -> None:
    seconds, values, longest = float(delay), [], 0.0
    watched = None

    def callback(event: Any) -> None:
        if not event.err:
            values.append(int(event.attr_value.value[0]))
            time.sleep(seconds)

    proxy = tango.DeviceProxy(device)
    proxy.subscribe_event("waveform", tango.EventType.CHANGE_EVENT, callback)
    print("ready", flush=True)
    last = time.perf_counter()
    while True:
        asked, _, _ = select.select([sys.stdin], [], [], TICK_SECONDS)
        now = time.perf_counter()
        longest, last = max(longest, now - last - TICK_SECONDS), now
        question = sys.stdin.readline().strip() if asked else ""
        if question == "watch":
            watched = watch(monitor, name=name)
            print(json.dumps(time.perf_counter() - now), flush=True)
        elif question == "counts":
            # The first is a reading, and no event.
            told: dict[str, object] = {
                "events": len(values) - 1,
                "last": values[-1],
                "longest_pause": longest,
            }
            if watched is not None:
                told |= {"problem": watched.problem, "server": watched.server, "lost": watched.lost}
            print(json.dumps(told), flush=True)
            longest = 0.0
        elif question == "end":
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
