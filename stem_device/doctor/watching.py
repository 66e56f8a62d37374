"""Watches one subscriber and its publisher, with the accounting of the monitor, while the doctor waits."""

from __future__ import annotations

import threading

import tango

from stem_device.accounting import Ledger
from stem_device.analysis.causes import Analyst
from stem_device.doctor.case import databases_to_look
from stem_device.errors import TargetError
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.model.topics import NO_DATABASE
from stem_device.polling import Poller
from stem_device.polling.names import admin_path, as_sent, full_name, host_of, path_of

PERIOD_SECONDS = 0.5
STOP_SECONDS = 4.0


class Watching:
    """Polls both every half second on a thread; ``snapshots`` are what it brought."""

    def __init__(self, subscriber: str, publisher: str, host: str, topic: str) -> None:
        self.subscriber = _admin_device(
            subscriber if subscriber.startswith("tango://") else f"tango://{host}/{subscriber}"
        )
        self.topic = topic.lower()
        self.snapshots: list[Snapshot] = []
        self.error = ""
        path = "/".join(publisher.removesuffix(NO_DATABASE).split("/")[-3:])
        targets = (self.subscriber, f"tango://{host}/{path}")
        self._options = Options(target_devices=targets, poll_period=PERIOD_SECONDS, target_timeout=2.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End polling; returns when the poll under way is done."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        with tango.EnsureOmniThread():
            clock = SystemClock()
            poller, ledger = Poller(self._options, clock=clock), Ledger(clock)
            analyst = Analyst()
            try:
                while not self._stop.is_set():
                    self.snapshots.append(analyst.complete(ledger.account(poller.poll(spare=False))))
                    self._stop.wait(PERIOD_SECONDS)
            except Exception as error:  # noqa: BLE001 - told as evidence of its link
                self.error = f"{type(error).__name__}: {error}"
            finally:
                poller.close()


def _admin_device(name: str) -> str:
    """Of the server of a device, where somebody named that; ``name`` itself where it cannot be found out."""
    if name.partition("//")[2].partition("/")[2].startswith("dserver/") or name.endswith(NO_DATABASE):
        return name
    host, device = host_of(name), path_of(name)
    try:
        _, texts = databases_to_look().ask(host, "DbGetDeviceInfo", as_sent(device))
    except (tango.DevFailed, TargetError):
        return name
    return full_name(host, admin_path(texts[3]))
