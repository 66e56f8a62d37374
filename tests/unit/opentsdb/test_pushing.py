"""Points reach a server as they are, and one that is dead, slow, hostile or full costs a counted poll."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.catalogue import Accumulation, Details, PerRow, numbers_of, series_of
from stem_device.errors import OptionError, PushError
from stem_device.model.snapshot import MetricRows, MetricSeries
from stem_device.opentsdb.columns import Point
from stem_device.opentsdb.pushing import OpenTsdbPusher, parse_endpoint
from stem_device.opentsdb.pushing.http_put import BATCH_POINTS
from stem_device.opentsdb.pushing.names import MAX_TAGS, users_tags, valid_name, valid_tags
from stem_device.opentsdb.pushing.pusher import put_points, users_points
from stem_device.outlets import Outlet
from tests.unit.made_snapshots import BEGIN_UTC_NS, server, snapshot, subscription

TAGS = {"monitor": "sys/eventmon/1"}
LOSSY = snapshot(server("tango://h:1/dserver/slow/1", subscription(missed_total=7)), sampled=3)
TIMEOUT = 0.5


class Peer:
    """Accepts connections, one after the other, and does with each what a test says; counts them."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with sock:
                sock.settimeout(20)
                try:
                    self._behave(sock)
                except OSError:
                    continue

    def close(self) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)


@contextmanager
def peer(behave: Callable[[Peer, socket.socket], None]) -> Iterator[Peer]:
    made = Peer(lambda sock: behave(made, sock))
    try:
        yield made
    finally:
        made.close()


def request(sock: socket.socket) -> tuple[str, bytes]:
    """Head and body of the next request; empty at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return "", b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return head.decode(), body


def answer(sock: socket.socket, status: str = "204 No Content", body: bytes = b"") -> None:
    sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def pusher(port: int, scheme: str = "http", **more: object) -> OpenTsdbPusher:
    endpoint = parse_endpoint(f"{scheme}://127.0.0.1:{port}")
    settings = {"timeout_seconds": TIMEOUT} | more
    return OpenTsdbPusher(endpoint, TAGS, details=Details.ALL, **settings)  # type: ignore[arg-type]


def expected() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What the catalogue says of LOSSY, with names that OpenTSDB takes."""
    return {
        (number.metric, frozenset(valid_tags(number.labels.items(), TAGS).by_name.items())): number.value
        for one in Accumulation().add(LOSSY, series_of(LOSSY, None, Details.ALL))
        for number in numbers_of(one)
    }


def test_every_number_is_put_in_batches_by_one_connection() -> None:
    heads: list[str] = []
    batches: list[list[dict[str, Any]]] = []

    def behave(_: Peer, sock: socket.socket) -> None:
        while True:
            head, body = request(sock)
            if not head:
                return
            heads.append(head)
            batches.append(json.loads(body))
            answer(sock)

    with peer(behave) as made, closing(pusher(made.port, authorization="Bearer secret")) as own:
        own.take(LOSSY)
        own.take(LOSSY)
        assert made.connections == 1
        points = [point for batch in batches[: len(batches) // 2] for point in batch]
        put = {(one["metric"], frozenset(one["tags"].items())): one["value"] for one in points}
        assert put == expected()
        assert {one["timestamp"] for one in points} == {BEGIN_UTC_NS // 1_000_000}
        assert all(len(batch) <= BATCH_POINTS for batch in batches)
        assert heads[0].startswith("POST /api/put?details HTTP/1.1\r\n")
        assert "Authorization: Bearer secret" in heads[0]
        assert (own.points_sent, own.points_failed) == (2 * len(points), 0)
    assert len(points) > BATCH_POINTS, "there must be more than one batch"


def test_lines_of_telnet() -> None:
    received: list[bytes] = []
    ended = threading.Event()

    def behave(_: Peer, sock: socket.socket) -> None:
        while piece := sock.recv(65536):
            received.append(piece)
        ended.set()

    with peer(behave) as made:
        with closing(pusher(made.port, "opentsdb")) as own:
            own.take(LOSSY)
            sent = own.points_sent
        assert ended.wait(20)
    lines = b"".join(received).decode().splitlines()
    put = {}
    for line in lines:
        word, metric, time, value, *tags = line.split(" ")
        assert (word, time) == ("put", f"{BEGIN_UTC_NS // 10**9}.000")
        put[metric, frozenset(tuple(tag.split("=")) for tag in tags)] = float(value)
    assert put == expected()
    assert sent == len(lines)


def first_failure(own: OpenTsdbPusher) -> str:
    """Push until a poll is not taken."""
    for _ in range(10_000):
        try:
            own.take(LOSSY)
        except PushError as error:
            return error.reason
    raise AssertionError("all was taken")


def _silent(made: Peer, sock: socket.socket) -> None:
    made.ended.wait(20)


def _drips(made: Peer, sock: socket.socket) -> None:
    request(sock)
    for byte in b"HTTP/1.1 204 No Content\r\n" * 100:
        sock.sendall(bytes([byte]))
        if made.ended.wait(0.05):
            return


def _garbage(_: Peer, sock: socket.socket) -> None:
    request(sock)
    sock.sendall(b"\x00\xff" * 100_000)


def _endless_headers(made: Peer, sock: socket.socket) -> None:
    request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while not made.ended.is_set():
        sock.sendall(b"X-More: and more\r\n" * 1000)


def _endless_body(made: Peer, sock: socket.socket) -> None:
    request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not made.ended.is_set():
        sock.sendall(b"[" * 10_000)


def _endless_continue(made: Peer, sock: socket.socket) -> None:
    request(sock)
    while not made.ended.is_set():
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _redirects(_: Peer, sock: socket.socket) -> None:
    while request(sock)[0]:
        sock.sendall(b"HTTP/1.1 308 Permanent\r\nLocation: /api/put\r\nContent-Length: 0\r\n\r\n")


def _forbids(_: Peer, sock: socket.socket) -> None:
    while request(sock)[0]:
        answer(sock, "401 Unauthorized", b"who are you?")


def _late(made: Peer, sock: socket.socket) -> None:
    """Answers, but only after a second each."""
    while request(sock)[0]:
        made.ended.wait(1.0)
        answer(sock)


def _hangs_up(_: Peer, sock: socket.socket) -> None:
    request(sock)


HOSTILE = {
    "silent": (_silent, "it does not answer in time"),
    "drips": (_drips, "it does not answer in time"),
    "garbage": (_garbage, "status line"),
    "endless headers": (_endless_headers, "got more than 100 headers"),
    "endless body": (_endless_body, "not as OpenTSDB does"),
    "endless continue": (_endless_continue, "in time|interim responses"),  # Python 3.14 gives up before
    "redirects": (_redirects, "it redirects to '/api/put'"),
    "forbids": (_forbids, "it answers 401 Unauthorized: who are you?"),
    "hangs up": (_hangs_up, "RemoteDisconnected"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_a_poll_that_is_counted(name: str) -> None:
    behave, reason = HOSTILE[name]
    with peer(behave) as made, closing(pusher(made.port)) as own:
        for polls in (1, 2):
            with pytest.raises(PushError) as caught:
                own.take(LOSSY)
            assert any(words in caught.value.reason for words in reason.split("|"))
            assert str(made.port) in str(caught.value)
            assert (own.points_sent, own.points_failed) == (0, polls * len(expected()))


def test_the_end_waits_for_whoever_answers_and_not_for_whoever_does_not() -> None:
    with peer(_late) as made, closing(pusher(made.port, timeout_seconds=20.0)) as own:
        threading.Timer(0.3, own.ending).start()
        own.take(LOSSY)  # is on its way by then, and arrives
        assert own.points_failed == 0
    with peer(_silent) as made, closing(pusher(made.port, timeout_seconds=1.0)) as own:
        with pytest.raises(PushError, match="does not answer in time"):
            own.take(LOSSY)
        own.ending()
        connections = made.connections
        with pytest.raises(PushError, match="does not answer in time"):  # the end is not why
            own.take(LOSSY)
        assert made.connections == connections
    with peer(_silent) as made, closing(pusher(made.port, timeout_seconds=60.0)) as own:
        threading.Timer(0.3, own._budget.end_within, [0.3]).start()
        with pytest.raises(PushError, match="is given up, as monitoring ends"):
            own.take(LOSSY)


@pytest.mark.parametrize("scheme", ["http", "opentsdb"])
def test_where_nothing_listens_each_poll_is_counted_by_the_outlet(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = pusher(port, scheme)
    outlet = Outlet("opentsdb", own)
    for _ in range(3):
        outlet.offer(LOSSY)
    assert outlet.close(20)
    assert (outlet.health.sent, outlet.health.failed) == (0, 3)
    assert "ConnectionRefusedError" in outlet.health.last_error
    assert own.points_failed == 3 * len(expected())


def test_a_reader_that_is_full_is_given_up() -> None:
    """Of telnet nobody answers: its buffers fill, then a poll is counted as failed."""
    with peer(_silent) as made, closing(pusher(made.port, "tcp", timeout_seconds=0.2)) as own:
        assert "in time" in first_failure(own)
        assert own.points_failed == len(expected())
        own.take(LOSSY)  # by a new connection
        assert own.points_failed == len(expected())


def test_what_telnet_refuses_is_told() -> None:
    def behave(made: Peer, sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"put: illegal argument: no such metric\n")
        made.ended.wait(20)

    with peer(behave) as made, closing(pusher(made.port, "opentsdb")) as own:
        assert "illegal argument: no such metric" in first_failure(own)


def test_points_that_are_refused_one_by_one_are_counted() -> None:
    def behave(_: Peer, sock: socket.socket) -> None:
        while request(sock)[0]:
            told = {"success": 98, "failed": 2, "errors": [{"error": "no such metric"}, {}]}
            answer(sock, "400 Bad Request", json.dumps(told).encode())

    with peer(behave) as made, closing(pusher(made.port)) as own:
        with pytest.raises(PushError, match="it refused points: no such metric"):
            own.take(LOSSY)
        full, rest = divmod(len(expected()), BATCH_POINTS)
        assert own.points_failed == 2 * full + min(2, rest)
        assert own.points_sent == len(expected()) - own.points_failed


@pytest.mark.parametrize("body", [b'{"status": "success", "data": {}}', b"[]", b'{"failed": 0}'])
def test_an_answer_that_is_not_of_opentsdb_says_nothing_of_points(body: bytes) -> None:
    def behave(_: Peer, sock: socket.socket) -> None:
        while request(sock)[0]:
            answer(sock, "200 OK", body)

    with peer(behave) as made, closing(pusher(made.port)) as own:
        with pytest.raises(PushError, match="not as OpenTSDB does"):
            own.take(LOSSY)
        assert own.points_sent == 0


def test_a_server_that_was_restarted_is_found_again() -> None:
    """A kept connection that is dead is no reason to lose a poll."""

    def behave(_: Peer, sock: socket.socket) -> None:
        for _batch in range(-(-len(expected()) // BATCH_POINTS)):
            request(sock)
            answer(sock)

    with peer(behave) as made, closing(pusher(made.port)) as own:
        for _ in range(3):
            own.take(LOSSY)
        assert made.connections == 3
        assert own.points_failed == 0


def test_a_certificate_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    def behave(_: Peer, sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"not TLS at all")

    with (
        peer(behave) as made,
        closing(pusher(made.port, "https")) as own,
        pytest.raises(PushError, match="SSLError"),
    ):
        own.take(LOSSY)
    with pytest.raises((OSError, ssl.SSLError)):
        pusher(1, "https", ca_file=tmp_path / "no.pem")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://db:4242", "http://db:4242/api/put"),
        ("http://db", "http://db:4242/api/put"),
        ("http://db/tsdb/", "http://db:4242/tsdb/api/put"),
        ("http://db:80/api/put", "http://db:80/api/put"),
        ("https://db", "https://db:443/api/put"),
        ("http://[::1]:4242", "http://[::1]:4242/api/put"),
        ("opentsdb://db", "opentsdb://db:4242"),
        ("tcp://db:4243/", "tcp://db:4243"),
    ],
)
def test_endpoints(url: str, shown: str) -> None:
    assert str(parse_endpoint(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db:4242",
        "ftp://db",
        "http://",
        "http://db:no",
        "http://db:99999",
        "http://db?x",
        "tcp://db/p",
        "http://d b",
    ],
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(OptionError, match="OpenTsdbUrl"):
        parse_endpoint(url)


@pytest.mark.parametrize("url", ["http://me:hush@db:4242", "http://me:hush@db:no"])
def test_a_password_is_refused_and_never_shown(url: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_endpoint(url)
    assert "hush" not in str(caught.value)


def test_names_are_made_valid() -> None:
    assert valid_name("tango://host:10000/a/b_c/d-1.2") == "tango_//host_10000/a/b_c/d-1.2"
    assert valid_name("not exported") == "not_exported"
    assert valid_name("+Inf") == "Inf"
    assert valid_name("größe\n") == "gr__e_"
    assert len(valid_name("x" * 1000)) == 255
    assert valid_tags([("failure", ""), ("server", "a b")], TAGS) == (
        "monitor=sys/eventmon/1 server=a_b",
        {"monitor": "sys/eventmon/1", "server": "a_b"},
    )
    many = [(name, "x") for name in ("subscriber", "publisher", "stream", "device", "name", "a", "b", "c")]
    made = valid_tags(many, TAGS).by_name
    assert len(made) == MAX_TAGS
    assert "name" not in made


def test_names_that_become_the_same_are_counted_not_mixed() -> None:
    points = [
        Point("m", (("s", "a:b"),), 1.0),
        Point("m", (("s", "a b"),), 2.0),
        Point("m", (("s", "c"),), 0.5),
    ]
    made, twice = put_points(5_000_000, points, PerRow(lambda tags: valid_tags(tags, TAGS)))
    assert [(one.value, one.timestamp) for one in made] == [(1, 5), (0.5, 5)]
    assert twice == 1


def users(*points: tuple[MetricSeries, int, float]) -> MetricRows:
    series = tuple(dict.fromkeys(one for one, _, _ in points))
    index = np.array([series.index(one) for one, _, _ in points], np.int64)
    at, value = np.array([one[1] for one in points]), np.array([one[2] for one in points])
    return MetricRows(series, index, at, value, at[: len(series)], value[: len(series)])


def test_labels_of_users_are_all_there_and_series_that_become_one_are_counted() -> None:
    nine = [(f"label{number}", "x") for number in range(9)]
    many = (*nine, ("monitor", "mine"), ("ä", "1"), ("ö", "2"))
    first, second = (MetricSeries("load", (*many, ("rack", text))) for text in ("a:b", "a b"))
    rows = users((first, 1_000_000, 1.0), (second, 2_000_000, 2.0), (first, 3_000_000, 0.5))
    made, twice = users_points(rows, PerRow(lambda labels: users_tags(labels, TAGS)))
    assert [(one.timestamp, one.value) for one in made] == [(1, 1), (3, 0.5)]
    assert twice == 1
    own = dict(nine) | {"user_monitor": "mine", "_": "1", "user__": "2", "rack": "a_b"}
    assert made[0].tags == TAGS | own
