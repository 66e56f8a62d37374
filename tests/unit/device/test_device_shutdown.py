"""The end of the process waits for calls, but not for ever."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from stem_device.device import shutdown


class FakeTimer:
    made: list[tuple[float, Any, Any]]
    daemon = False

    def __init__(self, seconds: float, function: Any, args: Any) -> None:
        self.made.append((seconds, function, args))

    def start(self) -> None:
        pass


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Any, Any]]:
    FakeTimer.made = []
    monkeypatch.setattr(threading, "Timer", FakeTimer)
    monkeypatch.setattr(shutdown, "SLACK_SECONDS", 0.05)
    monkeypatch.setattr(shutdown, "THREAD_PREFIX", "stem-test-")  # not what an earlier test left hanging
    return FakeTimer.made


class CallThatEndsOnceWaitedFor(threading.Thread):
    """Is under way until somebody joins it: one that ends by itself may do so unnoticed, before or after."""

    def __init__(self, name: str) -> None:
        self._end = threading.Event()
        super().__init__(target=self._end.wait, args=(10,), name=name)

    def join(self, timeout: float | None = None) -> None:
        self._end.set()
        super().join(timeout)


def test_calls_that_end_are_waited_for(timers: list[tuple[float, Any, Any]]) -> None:
    thread = CallThatEndsOnceWaitedFor("stem-test-1")
    thread.start()
    shutdown.wait_for_calls(10.0)
    assert not thread.is_alive()
    assert timers == []


def test_calls_that_hang_end_the_process_later(timers: list[tuple[float, Any, Any]]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, args=(10,), name="stem-test-2")
    thread.start()
    shutdown.wait_for_calls(0.0)
    done.set()
    thread.join()
    assert [(seconds, args) for seconds, _, args in timers] == [(shutdown.LAST_RESORT_SECONDS, (0,))]
