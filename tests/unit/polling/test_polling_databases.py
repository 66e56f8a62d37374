"""Databases that hang, are away, come back, or have several addresses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import tango

from stem_device.errors import TargetDatabaseError
from stem_device.polling.databases import RETRY_SECONDS, Databases
from tests.unit.polling.polling_fakes import (
    NO_DATABASE,
    NOT_DEFINED,
    TIMED_OUT,
    FakeClock,
    FakeProxy,
    dev_failed,
)

SQL = dev_failed(("DB_SQLError", "Failed to query TANGO database (error=2006)"), ("API_CommandFailed", "x"))


class Bench:
    """Databases whose addresses answer as ``answers`` says; none listens at those that are ``away``."""

    def __init__(self, **answers: Any) -> None:
        self.clock = FakeClock()
        self.answers: dict[str, Any] = answers
        self.away: set[str] = set()
        self.probed: list[str] = []
        self.made: list[str] = []
        self.databases = Databases(1.0, clock=self.clock, probe=self.probe, connect=self.connect)

    def probe(self, host: str, _timeout_seconds: float) -> bool:
        self.probed.append(host)
        return host not in self.away

    def connect(self, name: str) -> FakeProxy:
        host = name.removeprefix("tango://").partition("/")[0]
        self.made.append(host)
        return FakeProxy({"Ask": lambda _: self.answers[host]})

    def ask(self, host: str = "a") -> Any:
        return self.databases.ask(host, "Ask", "x")

    def fails(self, host: str = "a") -> str:
        with pytest.raises(TargetDatabaseError) as error:
            self.ask(host)
        return str(error.value)


@pytest.mark.parametrize("error", [NO_DATABASE, TIMED_OUT, SQL], ids=["away", "hangs", "without SQL"])
def test_one_that_is_down_is_tried_now_and_then(error: tango.DevFailed) -> None:
    bench = Bench(a=1)
    assert [bench.ask(), bench.ask()] == [1, 1]
    assert len(bench.made) == 1
    bench.answers["a"] = error
    assert "the database a" in bench.fails()
    bench.answers["a"] = 2
    bench.fails()  # at once, without a call
    bench.away.add("a")
    bench.clock.advance(RETRY_SECONDS)
    bench.fails()
    assert len(bench.made) == 1  # to connect to one that hangs would take minutes
    bench.away.clear()
    bench.clock.advance(RETRY_SECONDS)
    assert bench.ask() == 2
    probed = len(bench.probed)
    assert bench.ask() == 2
    assert len(bench.probed) == probed


def test_one_that_knows_no_such_name_is_in_order() -> None:
    bench = Bench(a=NOT_DEFINED)
    with pytest.raises(tango.DevFailed):
        bench.ask()
    bench.answers["a"] = 1
    assert bench.ask() == 1


def test_an_error_of_its_sql_server_is_told() -> None:
    bench = Bench(a=SQL)
    assert "DB_SQLError" in bench.fails()


def test_one_thread_alone_tries() -> None:
    bench = Bench(a=TIMED_OUT)
    bench.fails()
    bench.answers["a"] = 1
    bench.clock.advance(RETRY_SECONDS)
    waiting, go_on = threading.Event(), threading.Event()

    def hang(host: str, timeout_seconds: float) -> bool:
        waiting.set()
        return go_on.wait(10)

    bench.databases._probe = hang
    thread = threading.Thread(target=bench.ask)
    thread.start()
    try:
        assert waiting.wait(10)
        bench.fails()
    finally:
        go_on.set()
        thread.join(10)
    assert bench.ask() == 1


def test_several_addresses_of_one_database() -> None:
    bench = Bench(a=1, b=2)
    bench.databases.set_addresses(("a", "b"))
    assert bench.ask() == 1
    bench.answers["a"] = NO_DATABASE
    assert bench.ask() == 2
    assert bench.databases.present("a") == "b"
    assert bench.ask("b") == 2
    bench.answers["b"] = NO_DATABASE
    assert "the database b,a" in bench.fails()
    bench.answers["a"] = 3
    bench.clock.advance(RETRY_SECONDS)
    assert bench.ask() == 3
    assert bench.databases.present("a") == "a"
