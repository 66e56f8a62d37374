from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tango

from stem_device.errors import (
    TargetDatabaseError,
    TargetError,
    TargetFailingError,
    TargetNotExportedError,
    TargetRefusedError,
    TargetSilentError,
    TargetUndefinedError,
    TargetUnsupportedError,
)
from stem_device.polling.client import Endpoints, TargetClient
from stem_device.polling.identity import Process
from tests.unit.polling.polling_fakes import (
    DELAYED,
    MISSING,
    NO_DATABASE,
    NOT_DEFINED,
    NOT_EXPORTED,
    OTHER,
    REFUSED,
    TIMED_OUT,
    TURNED_AWAY,
    FakeClock,
    FakeProxy,
    dev_failed,
)

FIRST, SECOND = Process("IOR:1", 11, "monday"), Process("IOR:2", 12, "tuesday")
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


class Database:
    """Says which process there is: the next of ``processes``, the last for ever; an error is raised."""

    def __init__(self, *processes: Process | TargetError) -> None:
        self.processes = list(processes or (FIRST,))
        self.asked = 0

    def __call__(self, name: str) -> Process:
        assert name == NAME
        self.asked += 1
        process = self.processes.pop(0) if len(self.processes) > 1 else self.processes[0]
        if isinstance(process, TargetError):
            raise process
        return process


def client(
    *proxies: FakeProxy | Exception, database: Database | None = None, clock: FakeClock | None = None
) -> tuple[TargetClient, Network]:
    network = Network(*proxies)
    asker = TargetClient(NAME, 2.0, network, identify=database or Database(), clock=clock or FakeClock())
    return asker, network


def query_error(answer: Any, **proxy: Any) -> TargetError:
    with pytest.raises(TargetError) as caught:
        client(FakeProxy({QUERY: answer}, **proxy))[0].query()
    assert caught.value.target in (NAME, "the database db:1")
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
        (REFUSED, TargetRefusedError, "start the server again"),
        (TIMED_OUT, TargetSilentError, "did not answer within 2 s"),
        (NO_DATABASE, TargetDatabaseError, "does not answer"),
        (NOT_EXPORTED, TargetNotExportedError, "not running"),
        (NOT_DEFINED, TargetUndefinedError, "knows no such device"),
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


def test_a_new_proxy_that_was_delayed_was_refused() -> None:
    """Tango hides why its first attempt failed; one that did not answer would have taken its time."""
    proxy = FakeProxy({QUERY: "back"})
    proxy.ping_error = DELAYED
    asker, network = client(proxy)
    with pytest.raises(TargetRefusedError):
        asker.query()
    proxy.ping_error = None
    assert asker.query() == "back"
    assert len(network.made) == 1  # the second attempt of the same proxy is the one that tells


def test_a_refusal_that_takes_long_is_silence() -> None:
    clock = FakeClock()

    class Slow(FakeProxy):
        def ping(self) -> int:
            clock.advance(3.0)
            raise REFUSED

    with pytest.raises(TargetSilentError):
        client(Slow({}), clock=clock)[0].query()


def test_a_delay_after_silence_is_silence_still() -> None:
    proxy = FakeProxy({QUERY: _first(TIMED_OUT, "back")})
    asker, _ = client(proxy)
    with pytest.raises(TargetSilentError):
        asker.query()
    proxy.ping_error = DELAYED
    with pytest.raises(TargetSilentError):
        asker.query()


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


def test_the_database_is_asked_only_when_a_connection_is_made() -> None:
    database = Database()
    asker, _ = client(FakeProxy({QUERY: "x"}), database=database)
    for _ in range(10):
        asker.query()
    assert database.asked == 2
    assert asker.process == FIRST


def test_a_connection_that_was_lost_and_leads_to_the_same_process_again() -> None:
    asker, _ = client(FakeProxy({QUERY: _first("x", REFUSED)}), FakeProxy({QUERY: "y"}))
    assert [asker.query(), asker.query()] == ["x", "y"]
    assert asker.process == FIRST


def test_the_process_is_that_of_the_reply_however_the_restart_falls() -> None:
    """Replaced between the question before and the one after: which of the two answered cannot be known."""
    database = Database(FIRST, SECOND)
    asker, network = client(FakeProxy({QUERY: "of the first"}), FakeProxy({QUERY: "y"}), database=database)
    assert asker.query() == "y"
    assert asker.process == SECOND
    assert len(network.made) == 2
    database = Database(*(Process(f"IOR:{number}") for number in range(100)))
    asker, _ = client(FakeProxy({QUERY: "x"}), database=database)
    with pytest.raises(TargetSilentError, match="restarted again and again"):
        asker.query()
    assert asker.process is None


def test_no_process_is_guessed_while_the_database_does_not_answer() -> None:
    down = TargetDatabaseError("db:1", "does not answer")
    proxy = FakeProxy({QUERY: "x"})
    asker, _ = client(proxy, database=Database(FIRST, down, down, FIRST))
    for _ in range(2):
        with pytest.raises(TargetDatabaseError):
            asker.query()
        assert asker.process is None
    assert proxy.calls == []
    assert asker.query() == "x"
    assert asker.process == FIRST


def test_a_process_that_ended_while_the_database_is_down_is_told() -> None:
    down = TargetDatabaseError("db:1", "does not answer")
    asker, _ = client(FakeProxy({QUERY: _first("x", REFUSED)}), database=Database(FIRST, FIRST, down))
    asker.query()
    with pytest.raises(TargetRefusedError, match="the database db:1: does not answer") as told:
        asker.query()
    assert "says that it runs" not in told.value.reason
    with pytest.raises(TargetDatabaseError):
        asker.query()


class TestWithoutADatabase:
    NAME = "tango://h:1/dserver/x/y#dbase=no"

    def client(self, clock: FakeClock, *proxies: FakeProxy) -> TargetClient:
        left = list(proxies)
        return TargetClient(
            self.NAME, 2.0, lambda _: left.pop(0), identify=Database(OTHER_DATABASE), clock=clock
        )

    def test_a_new_connection_is_a_new_process(self) -> None:
        asker = self.client(FakeClock(), proxy(1, _first("x", REFUSED)), proxy(1, "y"))
        asker.query()
        first = asker.process
        assert asker.query() == "y"
        assert first is not None
        assert asker.process is not None
        assert asker.process.key != first.key
        assert asker.process.pid is None

    def test_a_process_that_turns_a_call_away_is_still_there(self) -> None:
        """Measured: so it answers while RestartServer makes its devices anew. Then Tango connects again, and
        not within the next second."""
        answering = proxy(0, _first("x", TURNED_AWAY, "y", REFUSED))
        asker = self.client(FakeClock(), answering, proxy(0, "z"))
        asker.query()
        first = asker.process
        for answering.ping_error in (None, DELAYED):
            with pytest.raises(TargetSilentError, match="takes no calls at this moment"):
                asker.query()
        answering.ping_error = None
        assert asker.query() == "y"
        assert asker.process == first
        assert asker.query() == "z"
        assert asker.process != first

    @pytest.mark.parametrize(("heartbeats", "same"), [((1, 1), True), ((1, 2), False), ((0, 2), True)])
    def test_silence_is_no_end_unless_the_heartbeats_moved(
        self, heartbeats: tuple[int, int], same: bool
    ) -> None:
        hanging = proxy(heartbeats[0], _first(TIMED_OUT, "back"))
        asker = self.client(FakeClock(), hanging)
        with pytest.raises(TargetSilentError):
            asker.query()
        hanging.commands["ZmqEventSubscriptionChange"] = heartbeat(heartbeats[1])
        before = asker._process
        assert asker.query() == "back"
        assert (asker.process == before) is same

    def test_after_a_long_time_without_a_call_it_is_seen_whether_it_is_the_same(self) -> None:
        """omniORB closes idle connections, and the address leads to whatever is there now."""
        clock = FakeClock()
        lasting = proxy(1, "x")
        asker = self.client(clock, lasting)
        asker.query()
        first = asker.process
        for seconds, number, same in ((50.0, 2, True), (200.0, 1, True), (200.0, 3, False)):
            clock.advance(seconds)
            lasting.commands["ZmqEventSubscriptionChange"] = heartbeat(number)
            asker.query()
            assert (asker.process == first) is same


def heartbeat(number: int) -> Any:
    address = f"tcp://127.0.0.1:{number}" if number else ""
    return [[1033], [f"Heartbeat: {address}", "Event: "]]


def proxy(number: int, answer: Any) -> FakeProxy:
    """Of a server with these heartbeats; 0 for none."""
    return FakeProxy({QUERY: answer, "ZmqEventSubscriptionChange": heartbeat(number)})


OTHER_DATABASE = TargetError("nothing", "no database may be asked for a server without one")


def test_endpoints_are_read_from_the_admin_device() -> None:
    told = [[1033], ["Heartbeat: tcp://h:1", "Event: tcp://h:2", "Some other line"]]
    asker, _ = client(FakeProxy({"ZmqEventSubscriptionChange": told}))
    assert asker.endpoints() == Endpoints(("tcp://h:2",), ("tcp://h:1",))
    with pytest.raises(TargetUnsupportedError):
        client(FakeProxy({}))[0].endpoints()


def test_after_a_refusal_the_next_query_finds_the_server_again() -> None:
    asker, network = client(FakeProxy({QUERY: _first(REFUSED, "back")}))
    with pytest.raises(TargetRefusedError):
        asker.query()
    assert asker.process is None
    assert asker.query() == "back"
    assert len(network.made) == 1


@pytest.mark.parametrize(
    ("error", "asked"), [(TIMED_OUT, 4), (MISSING, 2), (OTHER, 2)], ids=["hung", "unsupported", "failing"]
)
def test_the_proxy_of_a_server_that_is_there_is_kept(error: tango.DevFailed, asked: int) -> None:
    """One that timed out would connect again by itself: so it is seen to which process."""
    database = Database()
    asker, network = client(FakeProxy({QUERY: _first(error, "back")}), database=database)
    with pytest.raises(TargetError):
        asker.query()
    assert asker.query() == "back"
    assert len(network.made) == 1
    assert database.asked == asked


def test_no_time_limit_is_set_before_a_proxy_is_connected() -> None:
    """PyTango would connect while it holds the interpreter, and stop all threads for a hung server."""
    hung = FakeProxy({QUERY: "{}"})
    hung.ping_error = TIMED_OUT
    asker, network = client(hung)
    with pytest.raises(TargetSilentError, match="did not answer"):
        asker.query()
    assert hung.timeout_millis == 0
    hung.ping_error = None
    assert asker.query() == "{}"
    assert len(network.made) == 1


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


def _first(*answers: Any) -> Callable[[Any], Any]:
    """These in turn, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
