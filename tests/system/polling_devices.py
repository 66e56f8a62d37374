"""Relays: devices that themselves answer QueryEventSystem; and one that asks its own server from within."""

from __future__ import annotations

import threading
from typing import Any

import tango
from tango.server import Device, command, run

from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.polling import Poller

REPLY = '{"version":1,"server":{"event_counters":{"a/b/c/d.change":7},"perf":null},"client":null}'

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\nowned"


class Hostile(Device):
    """Every text that it can send would steer a terminal."""

    def init_device(self) -> None:
        super().init_device()
        self.add_version_info("cppTango", HOSTILE)

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:  # noqa: N802
        tango.Except.throw_exception("Hostile_Reason", HOSTILE, HOSTILE)
        return ""


class Relay(Device):
    """Answers with a text of its own, as long as told."""

    def init_device(self) -> None:
        super().init_device()
        self._length = 0

    @command(dtype_out=str)
    def QueryEventSystem(self) -> str:  # noqa: N802 - the name of the command
        return "x" * self._length if self._length else REPLY

    @command(dtype_in=int)
    def Grow(self, length: int) -> None:  # noqa: N802
        self._length = length


class Introvert(Device):
    """Polls its own server while a command of its own is under way."""

    @command(dtype_out=(str,))
    def PollMyself(self) -> list[str]:  # noqa: N802
        host = tango.ApiUtil.get_env_var("TANGO_HOST")
        admin = f"tango://{host}/{tango.Util.instance().get_dserver_device().get_name()}"
        answers: list[Any] = []

        def ask() -> None:
            with tango.EnsureOmniThread():
                poller = Poller(Options(target_devices=(admin,), poll_period=2.0), clock=SystemClock())
                poller.set_sampling(True)
                for _ in range(3):
                    answers.extend(poller.poll().answers)
                poller.close()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return [f"{answer.server} {answer.state} {answer.reason}" for answer in answers]


if __name__ == "__main__":
    run([Relay, Hostile, Introvert], green_mode=tango.GreenMode.Synchronous)
