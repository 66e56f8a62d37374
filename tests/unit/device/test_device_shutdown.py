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
    monkeypatch.setattr(shutdown.threading, "Timer", FakeTimer)
    monkeypatch.setattr(shutdown, "SLACK_SECONDS", 0.05)
    return FakeTimer.made


def test_calls_that_end_are_waited_for(timers: list[tuple[float, Any, Any]]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, args=(10,), name="stem-test-1")
    thread.start()
    threading.Thread(target=done.set).start()
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
