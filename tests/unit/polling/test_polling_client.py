from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tango
from polling_fakes import (
    DELAYED,
    MISSING,
    NO_DATABASE,
    NOT_DEFINED,
    NOT_EXPORTED,
    OTHER,
    REFUSED,
    TIMED_OUT,
    FakeProxy,
    dev_failed,
)

from stem_device.errors import (
    TargetError,
    TargetFailingError,
    TargetNotExportedError,
    TargetUnreachableError,
    TargetUnsupportedError,
)
from stem_device.polling.client import TargetClient

NAME = "tango://db:1/dserver/x/y"
QUERY = "QueryEventSystem"


class Network:
    """Hands out proxies in turn, and remembers them."""

    def __init__(self, *proxies: FakeProxy | Exception) -> None:
        self.proxies = list(proxies)
        self.made: list[FakeProxy] = []

    def __call__(self, name: str) -> FakeProxy:
        assert name == NAME
        proxy = self.proxies.pop(0) if len(self.proxies) > 1 else self.proxies[0]
        if isinstance(proxy, Exception):
            raise proxy
        self.made.append(proxy)
        return proxy


def client(*proxies: FakeProxy | Exception) -> tuple[TargetClient, Network]:
    network = Network(*proxies)
    return TargetClient(NAME, 2.0, network), network


def query_error(answer: Any, **proxy: Any) -> TargetError:
    with pytest.raises(TargetError) as caught:
        client(FakeProxy({QUERY: answer}, **proxy))[0].query()
    assert caught.value.target == NAME
    return caught.value


def test_one_proxy_is_made_with_the_time_limit_and_kept() -> None:
    asker, network = client(FakeProxy({QUERY: "{}"}))
    assert [asker.query(), asker.query()] == ["{}", "{}"]
    (proxy,) = network.made
    assert proxy.timeout_millis == 2000
    assert not proxy.transparent


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (REFUSED, TargetUnreachableError, "start the server again"),
        (TIMED_OUT, TargetUnreachableError, "did not answer within 2 s"),
        (NO_DATABASE, TargetUnreachableError, "database does not answer"),
        (NOT_EXPORTED, TargetNotExportedError, "not running"),
        (NOT_DEFINED, TargetNotExportedError, "knows no such device"),
        (MISSING, TargetUnsupportedError, "runs Tango 10.3.3, which"),
        (OTHER, TargetFailingError, "the flux capacitor is empty \\(Weird_Reason\\)"),
    ],
)
def test_errors_are_told_in_plain_words(error: tango.DevFailed, kind: type[TargetError], words: str) -> None:
    told = query_error(error)
    assert type(told) is kind
    with pytest.raises(TargetError, match=words):
        raise told
    assert told.__cause__ is error
    assert not any(noise in told.reason for noise in ("/src/", "CORBA", "command_inout", "\n"))


@pytest.mark.parametrize("exported", [True, False])
def test_a_new_proxy_that_was_delayed_asks_the_database(exported: bool) -> None:
    told = query_error(DELAYED, exported=exported)
    assert type(told) is (TargetUnreachableError if exported else TargetNotExportedError)


@pytest.mark.parametrize(
    ("version", "expected"), [("10.0.2", "10.0.2"), ("", "9.x")], ids=["told", "from a number"]
)
def test_unsupported_names_the_version_and_what_to_do(version: str, expected: str) -> None:
    told = query_error(MISSING, version=version)
    assert isinstance(told, TargetUnsupportedError)
    assert told.tango_version == expected
    assert "10.1" in told.reason


def test_a_command_that_returns_no_text_is_a_failing_server() -> None:
    assert isinstance(query_error(lambda _: 42), TargetFailingError)


def test_a_restarted_server_is_found_within_the_same_query() -> None:
    asker, network = client(
        FakeProxy({QUERY: _first("old", REFUSED)}), FakeProxy({QUERY: "new"}, version="11")
    )
    assert asker.query() == "old"
    assert asker.tango_version() == "10.3.3"
    assert asker.query() == "new"
    assert asker.tango_version() == "11"
    assert len(network.made) == 2


def test_after_a_failure_the_next_query_makes_a_new_proxy() -> None:
    asker, network = client(FakeProxy({QUERY: REFUSED}), FakeProxy({QUERY: "back"}))
    with pytest.raises(TargetUnreachableError):
        asker.query()
    assert asker.query() == "back"
    assert len(network.made) == 2


@pytest.mark.parametrize("error", [TIMED_OUT, MISSING, OTHER], ids=["hung", "unsupported", "failing"])
def test_the_proxy_of_a_server_that_is_there_is_kept(error: tango.DevFailed) -> None:
    asker, network = client(FakeProxy({QUERY: _first(error, "back")}))
    with pytest.raises(TargetError):
        asker.query()
    assert asker.query() == "back"
    assert len(network.made) == 1


def test_no_time_limit_is_set_before_a_proxy_is_connected() -> None:
    """PyTango would connect while it holds the interpreter, and stop all threads for a hung server."""
    hung = FakeProxy({QUERY: "{}"})
    hung.ping_error = TIMED_OUT
    asker, network = client(hung, FakeProxy({QUERY: "back"}))
    with pytest.raises(TargetUnreachableError, match="did not answer"):
        asker.query()
    assert hung.timeout_millis == 0
    assert asker.query() == "back"
    assert len(network.made) == 2


def test_a_proxy_that_cannot_be_made_is_explained_too() -> None:
    asker, _ = client(NOT_DEFINED)
    with pytest.raises(TargetNotExportedError):
        asker.query()


@pytest.mark.parametrize(
    ("on", "old"), [(True, "StartEventSystemPerfMon"), (False, "StopEventSystemPerfMon")]
)
def test_sampling_is_switched_by_whichever_command_there_is(on: bool, old: str) -> None:
    new = FakeProxy({"EnableEventSystemPerfMon": None})
    client(new)[0].switch_sampling(on)
    assert new.calls == [("EnableEventSystemPerfMon", on)]
    patched = FakeProxy({old: None})
    client(patched)[0].switch_sampling(on)
    assert patched.calls[-1] == (old, None)


def test_a_server_without_either_command_cannot_be_switched() -> None:
    with pytest.raises(TargetUnsupportedError):
        client(FakeProxy({}))[0].switch_sampling(on=True)
    with pytest.raises(TargetFailingError):
        client(FakeProxy({"EnableEventSystemPerfMon": OTHER}))[0].switch_sampling(on=True)


def test_a_version_that_cannot_be_had_is_empty() -> None:
    class Shy(FakeProxy):
        def info(self) -> Any:
            raise dev_failed(("API_Whatever", "no"))

    asker, _ = client(Shy({QUERY: "{}"}))
    asker.query()
    assert asker.tango_version() == ""


def test_long_error_texts_are_cut() -> None:
    assert len(query_error(dev_failed(("X", "y" * 10_000))).reason) < 500
    assert query_error(tango.DevFailed()).reason


def _first(first: Any, then: Any) -> Callable[[Any], Any]:
    answers = [first]
    return lambda _: answers.pop() if answers else then
