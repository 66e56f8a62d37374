"""The server's threads take short turns: exporters that work at the same time do not hold each other up."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from stem_device.device import server
from stem_device.exporting.turns import TURN_SECONDS


@pytest.fixture
def restored() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restored")
def test_turns_are_short_before_the_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(server, "wait_for_database", lambda _arguments: None)
    monkeypatch.setattr(server, "run", lambda *_args, **_more: seen.append(sys.getswitchinterval()))
    server.main(["1"])
    assert seen == [pytest.approx(TURN_SECONDS)]
    assert TURN_SECONDS <= 0.001
