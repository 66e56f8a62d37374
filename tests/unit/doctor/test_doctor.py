"""The parts of the doctor that need no server."""

from __future__ import annotations

import math
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from stem_device.doctor import LINKS, Examined, Request, Verdict, diagnosis_of, names_attribute
from stem_device.doctor.arriving import heartbeat
from stem_device.doctor.attribute import age_of, period_ms
from stem_device.doctor.case import Case, python_command
from stem_device.doctor.chain import CHAIN, Link, walk
from stem_device.doctor.criteria import Criteria, same
from stem_device.doctor.diagnosis import Finding, examined, not_tested, ok
from stem_device.doctor.events import EventType, parse_event
from stem_device.doctor.ior import addresses_of
from stem_device.doctor.names import parse_request
from stem_device.doctor.naming import similar
from stem_device.doctor.observing import Observed
from stem_device.doctor.reaching import greets, reach
from stem_device.doctor.subscribing import endpoints, endpoints_in, plain_topic
from stem_device.doctor.wire import Heard
from stem_device.errors import OptionError
from stem_device.polling.client import endpoints_of

# Of a real device of omniORB 4.3.4.
IOR = (
    "IOR:010000001700000049444c3a54616e676f2f4465766963655f363a312e30000001000000000000009c000000010102000a"
    "0000003132372e302e302e3100ddb70e000000fec506096b0000269b0000000000000003000000000000000800000001000000"
    "00545441010000001c0000000100000001000100010000000100010509010100010000000901010002545441340000000100"
    "000003000000766d0000240000002f746d702f6f6d6e692d726f6f742f3030303030393838332d3137393537353336363900"
)

GREETING = b"\xff" + bytes(8) + b"\x7f"
QUESTION = parse_request(Request(text="tango://127.0.0.1:1/a/b/c/d#dbase=no"))


def test_the_chain_has_the_links_in_order() -> None:
    assert tuple(CHAIN) == LINKS
    assert len(LINKS) == 20
    for number, link in enumerate(CHAIN.values()):
        assert all(LINKS.index(need) < number for need in link.needs)


def test_a_link_at_which_the_doctor_fails_is_not_called_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_case: Case) -> Finding:
        raise TypeError("of the doctor's own")

    monkeypatch.setitem(CHAIN, "environment", Link(fails))
    question = parse_request(Request(text="tango://127.0.0.1:1/a/b/c/d#dbase=no"))
    first = next(walk(question))
    assert (first.verdict, first.link) == (Verdict.WARNING, "environment")
    assert "TypeError: of the doctor's own" in first.evidence


def test_links_that_were_not_reached_are_not_tested() -> None:
    first = Examined(1, "environment", Verdict.BROKEN, "unset", "set it")
    found = diagnosis_of(Request(text=" a/b/c/d "), (first,))
    assert found.attribute == "a/b/c/d"
    assert (found.broken.number, found.broken.link) == (1, "environment") if found.broken else False
    assert [one.number for one in found.links] == list(range(1, 21))
    assert {one.verdict for one in found.links[1:]} == {Verdict.NOT_TESTED}
    assert found.links[5].evidence == "link 1, environment, is broken"


def test_what_servers_say_steers_no_terminal() -> None:
    assert examined(1, ok("\x1b[2J\nfine")).evidence == "\N{REPLACEMENT CHARACTER}[2J fine"


def test_the_addresses_of_an_ior() -> None:
    assert addresses_of(IOR) == (("127.0.0.1", 47069),)


def test_alternate_addresses_of_an_ior() -> None:
    def text(value: bytes) -> bytes:
        return struct.pack("<I", len(value) + 1) + value + b"\0"

    def padded(data: bytes, size: int) -> bytes:
        return data + bytes(-len(data) % size)

    other = padded(b"\1\0\0\0" + text(b"fe80::1"), 2) + struct.pack("<H", 7)
    profile = padded(b"\1\1\2\0" + text(b"host"), 2) + struct.pack("<H", 5)
    profile = padded(profile, 4) + struct.pack("<I", 1) + b"k"
    profile = padded(profile, 4) + struct.pack("<III", 1, 3, len(other)) + other
    whole = padded(b"\1\0\0\0" + text(b"IDL:x:1.0"), 4) + struct.pack("<III", 1, 0, len(profile)) + profile
    assert addresses_of("IOR:" + whole.hex()) == (("host", 5), ("fe80::1", 7))


@pytest.mark.parametrize("text", ["", "IOR:", "IOR:zz", "nada", IOR[:100], "IOR:01" + "ff" * 40])
def test_what_is_no_ior_has_no_addresses(text: str) -> None:
    assert addresses_of(text) == ()


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (1.0, 1.05, 0.5),
        (1.0, 0.9, 1.0),
        ([1.0, 2.0], [1.0, 2.2], 2.0),
        ([1.0], [1.0, 2.0], 1.0),
        ([], [], 0.0),
        (math.nan, math.nan, 0.0),
    ],
)
def test_how_far_a_value_moved(before: object, after: object, share: float) -> None:
    assert Criteria(absolute=(0.1, 0.1)).share(before, after) == pytest.approx(share)


def test_how_far_a_value_moved_in_percent() -> None:
    relative = Criteria(relative=(10.0, 20.0))
    assert relative.share(100.0, 110.0) == pytest.approx(0.5)
    assert relative.share(100.0, 90.0) == pytest.approx(1.0)
    assert relative.share(0.0, 1e-9) == math.inf
    assert math.isnan(Criteria(period_seconds=1.0).share(1.0, 2.0))


def test_values_that_stand_still() -> None:
    assert same([math.nan, math.nan])
    assert same([np.array([1.0, math.nan]), np.array([1.0, math.nan])])
    assert same([("a", "b"), ("a", "b")])
    assert not same([np.zeros(2), np.zeros(3)])
    assert not same(["a", "b"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Data not updated since 313 mS\n", 0.313),
        ("Data not updated since 12 S and 500 mS\n", 12.5),
        ("Data not updated since 1 MN, 2 S and 3 mS", 62.003),
        ("No data recorded yet", None),
    ],
)
def test_the_age_that_a_poller_tells(text: str, seconds: float | None) -> None:
    assert age_of(text) == (None if seconds is None else pytest.approx(seconds))


def test_the_period_that_a_poller_tells() -> None:
    assert period_ms("Polled attribute name = a\nPolling period (mS) = 250\n") == 250
    assert period_ms("Polled attribute name = a\nPolling externally triggered\n") == 0


@pytest.mark.parametrize(
    ("text", "host", "device", "attribute"),
    [
        ("sys/tg_test/1/x", "", "sys/tg_test/1", "x"),
        (" TANGO://h:1/A/b/C/Xy ", "h:1", "a/b/c", "Xy"),
        ("alias/x", "", "alias", "x"),
        ("sys/tg_test/1", "", "sys/tg_test/1", ""),
        ("tango://h:1/a/b/c/x#dbase=no", "h:1", "a/b/c", "x"),
    ],
)
def test_names(text: str, host: str, device: str, attribute: str) -> None:
    found = parse_request(Request(text=text))
    assert (found.host, found.device, found.attribute) == (host, device, attribute)
    assert names_attribute(text) == bool(attribute)


@pytest.mark.parametrize("text", ["", "a/b/c/d/e", "a/*/c/x", "a/b/c/ d", "tango://h/a/b/c/x", "\x1b[2J"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(OptionError):
        parse_request(Request(text=text))


def test_subscribers_may_be_named_as_they_are_started() -> None:
    found = parse_request(Request(text="a/b/c/d", subscriber="Archiver/1"))
    assert found.subscriber == "dserver/archiver/1"


def test_event_types() -> None:
    assert parse_event("CHANGE_EVENT") is EventType.CHANGE
    assert parse_event("user_event").wire_name == "user_event"
    with pytest.raises(OptionError, match="periodic"):
        parse_event("pipe")


def test_similar_names() -> None:
    assert similar("sys/tgtest/1", ["sys/tg_test/1", "a/b/c"]) == ["sys/tg_test/1"]


def test_the_endpoints_of_several_interfaces() -> None:
    lines = ["Heartbeat: tcp://[fe80::1]:1", "Event: tcp://10.0.0.1:2", "Event: tcp://192.168.0.1:2"]
    assert endpoints_in(lines, "Event") == ("tcp://10.0.0.1:2", "tcp://192.168.0.1:2")
    assert endpoints_in(lines, "Heartbeat") == ("tcp://[fe80::1]:1",)
    assert endpoints_in(["Event: "], "Event") == ()


@pytest.mark.parametrize(
    "address", ["[::1]", "::1", "[fe80::1%eth0]", "fe80::1%eth0", "localhost", "10.0.0.1"]
)
def test_endpoints_of_every_kind_of_address(address: str) -> None:
    lines = [f"Heartbeat: tcp://{address}:4711", f"Event: tcp://{address}:4712,tcp://10.0.0.2:4713"]
    assert endpoints_in(lines, "Heartbeat") == (f"tcp://{address}:4711",)
    assert endpoints_in(lines, "Event") == (f"tcp://{address}:4712", "tcp://10.0.0.2:4713")
    told = endpoints_of(((), [f"Heartbeat: tcp://{address}:4711", f"Event: tcp://{address}:4712"]))
    assert (told.heartbeats, told.events) == ((f"tcp://{address}:4711",), (f"tcp://{address}:4712",))


def test_topics_are_compared_without_their_idl() -> None:
    assert plain_topic("tango://h:1/a/b/c/X.idl5_alarm") == plain_topic("tango://h:1/a/b/c/x.alarm")
    assert plain_topic("tango://h:1/a/b/c/x.idl5_change") != plain_topic(
        "tango://h.org:1/a/b/c/x.idl5_change"
    )


def test_commands_are_quoted_for_a_shell() -> None:
    assert python_command("x('a/b')") == "python3 -c \"import tango; x('a/b')\""
    assert "$" not in python_command("x").replace("'", "")
    assert python_command('x("$HOME")').startswith("python3 -c 'import tango;")


@contextmanager
def listener(says: bytes, address: str = "127.0.0.1") -> Iterator[int]:
    """A port at which somebody says one thing and then waits."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 0), family=family)
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.sendall(says)
            held.append(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()
    for one in held:
        one.close()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (GREETING, ""),
        (b"SSH-2.0-OpenSSH_9", "something else listens there"),
        (b"", "does not greet within 0.2 s"),
    ],
)
def test_the_greeting_of_zeromq(says: bytes, told: str) -> None:
    with listener(says) as port:
        assert told in greets("127.0.0.1", port, 0.2)
        assert bool(told) == bool(greets("127.0.0.1", port, 0.2))


def test_ports_that_cannot_be_reached() -> None:
    assert "refuses" in reach("127.0.0.1", 1)
    assert "cannot be resolved" in reach("no-such-host.invalid", 1)
    assert reach("127.0.0.1", 99_999)


class Admin:
    """An admin device that names these endpoints."""

    def __init__(self, *lines: str) -> None:
        self._lines = [*lines]

    def command_inout(self, _name: str, _argument: list[str]) -> tuple[list[int], list[str]]:
        return [], self._lines


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("127.0.0.1", "127.0.0.1"),
        pytest.param("::1", "[::1]", marks=pytest.mark.needs("ipv6")),
        pytest.param("::1", "::1", marks=pytest.mark.needs("ipv6")),
    ],
)
def test_both_ports_greet(address: str, written: str) -> None:
    with listener(GREETING, address) as event, listener(GREETING, address) as heartbeat:
        events, beats = f"tcp://{written}:{event}", f"tcp://{written}:{heartbeat}"
        case = Case(QUESTION, admin=Admin(f"Heartbeat: {beats}", f"Event: {events}"))
        found = endpoints(case)
        told = f"events at {events}, heartbeats at {beats}; ZeroMQ greets at both"
        assert (found.verdict, found.evidence) == (Verdict.OK, told)


def test_a_server_that_names_no_endpoint_for_heartbeats_greets_at_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listener(GREETING) as event:
        case = Case(QUESTION, server="Motor/1", admin=Admin(f"Event: tcp://127.0.0.1:{event}"))
        found = endpoints(case)
        assert found.verdict is Verdict.WARNING
        assert (
            f"events at tcp://127.0.0.1:{event}, where ZeroMQ greets; the server names no" in found.evidence
        )
        assert "both" not in found.evidence
        assert found.advice == "Restart the server: Motor 1"
        monkeypatch.setattr("stem_device.doctor.arriving.observe", lambda _: Observed(12.0, heard=Heard()))
        assert heartbeat(case) == not_tested("the server names no endpoint for heartbeats")
