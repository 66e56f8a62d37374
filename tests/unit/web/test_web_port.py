"""The port: its routes, who may use them, and clients that mean no good."""

from __future__ import annotations

import contextlib
import gc
import json
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from stem_device.errors import MissingExtraError, OptionError, StemError
from stem_device.model.options import HttpOptions
from stem_device.web.port import Port
from tests.unit import made_snapshots
from tests.unit.web.web_sources import MadeSource, ask, connected, opened, options, place

pytestmark = pytest.mark.extras

TOPIC = "tango://h:1/a/b/c/x.idl5_change"


def source() -> MadeSource:
    lossy = made_snapshots.subscription(TOPIC, missed_total=3)
    rows = [lossy, made_snapshots.subscription("a/b/c/y.idl5_change")]
    one = made_snapshots.snapshot(
        made_snapshots.server("tango://h:1/dserver/slow/1", *rows),
        made_snapshots.server("tango://h:1/dserver/fast/1", streams=(made_snapshots.stream(),)),
        sampled=4,
    )
    return MadeSource(one)


def test_routes() -> None:
    with opened(source()) as port:
        status, headers, body = ask(port, "/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert b"\nstem_events_missed_total 3.0\n" in body
        accept = "application/openmetrics-text"
        assert ask(port, "/metrics", accept=accept)[2].endswith(b"# EOF\n")
        assert ask(port, "/")[1]["refresh"] == "60"
        assert ask(port, "/")[2] == b"<!DOCTYPE html>page"
        assert json.loads(ask(port, "/health")[2]) == {"status": "ok"}
        assert ask(port, "/ready")[0] == 200
        assert ask(port, "/metrics", "HEAD")[2] == b""
        for path in ("/metrics/", "/nothing", "/api/query", "/..%2f", "/health/x"):
            assert ask(port, path)[0] == 404
        assert ask(port, "/metrics", "POST", b"x")[0] == 405
        assert ask(port, "/metrics?details=none")[0] == 400
        shown = ask(port, "/metrics?details=all")[2]
        assert shown.count(b"stem_subscription_events_missed_total{") == 2
        assert ask(port, "/metrics")[2].count(b"stem_subscription_events_missed_total{") == 1


def test_a_snapshot_of_all_or_of_one() -> None:
    with opened(source()) as port:
        every = json.loads(ask(port, "/snapshot")[2])
        assert [one["name"] for one in every["servers"]] == [
            "tango://h:1/dserver/slow/1",
            "tango://h:1/dserver/fast/1",
        ]
        assert every["publisherSamples"]["server"] == [0] * 4
        one = json.loads(ask(port, "/snapshot?server=DServer/fast/1")[2])
        assert [server["name"] for server in one["servers"]] == ["tango://h:1/dserver/fast/1"]
        assert one["publisherSamples"]["server"] == []
        both = json.loads(ask(port, "/snapshot?server=dserver/slow/1&server=*fast*")[2])
        assert both == every
        lost = json.loads(ask(port, f"/snapshot?subscription={TOPIC}")[2])
        assert [row["missed"] for row in lost["servers"][0]["subscriptions"]] == [3]
        by_stream = json.loads(ask(port, "/snapshot?subscription=a/b/c/x.change")[2])
        assert by_stream["servers"] == lost["servers"]
        assert ask(port, "/snapshot?server=none")[0] == 404
        assert ask(port, "/snapshot?server=*fast*&subscription=a/b/c/x.change")[0] == 404
        assert ask(port, f"/snapshot?server={'*a' * 5000}")[0] == 404


def test_before_there_is_anything() -> None:
    empty = MadeSource()
    with opened(empty) as port:
        assert ask(port, "/ready")[0] == 503
        assert ask(port, "/health")[0] == 200
        for path in ("/metrics", "/snapshot"):
            status, headers, body = ask(port, path)
            assert (status, headers["retry-after"]) == (503, "5")
            assert body == b"no poll has ended yet; ask again in a moment\n"
        empty.alive = False
        assert ask(port, "/health")[0] == 503


def test_what_cannot_be_made_is_told() -> None:
    made = source()
    with opened(made) as port:
        made.page_error = StemError("the disk is full")
        assert ask(port, "/")[::2] == (500, b"the disk is full\n")
        made.page_error = MissingExtraError("report", "a report")
        status, _, body = ask(port, "/")
        assert status == 501
        assert b"stem-device[report]" in body


def mounted(*paths: str) -> Any:
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def echo(request: Any) -> Any:
        return PlainTextResponse(f"{request.url.path} {len(await request.body())}")

    return lambda: [Route(path, echo, methods=["GET", "POST"]) for path in paths]


def test_a_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("right\n")
    more = {"http_token_file": file, "routes": mounted("/api/query"), "write_routes": mounted("/api/put")}
    with opened(source(), "0.0.0.0:0", **more) as port:
        for path in ("/metrics", "/", "/snapshot", "/nothing", "/api/query", "/api/put"):
            status, headers, _ = ask(port, path)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            for wrong in ("Bearer wrong", "Bearer righ", "Bearer", "right", "Basic right", "Bearer r\xe9"):
                assert ask(port, path, authorization=wrong)[0] == 401
        right: dict[str, Any] = {"authorization": "bearer right"}
        assert ask(port, "/metrics", **right)[0] == 200
        assert ask(port, "/metrics", **right, host="any.example.org")[0] == 200
        assert ask(port, "/nothing", **right)[0] == 404
        assert ask(port, "/api/put", "POST", b"123", **right)[2] == b"/api/put 3"
        assert ask(port, "/health")[0] == ask(port, "/ready")[0] == 200


def test_writing_needs_the_token_unless_on_loopback() -> None:
    more = {"routes": mounted("/api/query"), "write_routes": mounted("/api/put")}
    with opened(source(), "0.0.0.0:0", **more) as port:
        assert ask(port, "/api/query", "POST", b"x")[0] == 200
        status, _, body = ask(port, "/api/put", "POST", b"x")
        assert status == 403
        assert b"HttpTokenFile" in body
    with opened(source(), **more) as port:
        assert ask(port, "/api/put", "POST", b"x")[0] == 200
        own = f"http://127.0.0.1:{place(port)[1]}"
        assert ask(port, "/api/put", "POST", b"x", origin=own)[0] == 200
        assert ask(port, "/api/put", "POST", b"x", origin="http://evil.example.org")[0] == 403
        assert ask(port, "/api/put", "POST", b"x", origin="null")[0] == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:9", 200),
        ("evil.example.org", 403),
        ("127.0.0.1.evil.example.org:80", 403),
    ],
)
def test_names_of_other_sites_are_refused_on_loopback(host: str, status: int) -> None:
    with opened(source()) as port:
        assert ask(port, "/metrics", host=host)[0] == status


def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    alternative = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*made, *alternative, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    with opened(source(), http_certificate_file=certificate, http_key_file=key) as port:
        assert port.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"{port.url}/metrics", timeout=30, context=trusting) as answer:
            assert b"stem_events_missed_total" in answer.read()
        with connected(port) as plain:
            plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"stem_" not in plain.recv(1000)


def test_a_port_that_somebody_has_is_told_and_opened_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stem_device.web.port.RETRY_SECONDS", 0.05)
    with opened(source()) as first:
        second = Port(source(), options(f"127.0.0.1:{place(first)[1]}"))
        try:
            assert second.error.startswith(f"HttpAddress 127.0.0.1:{place(first)[1]} cannot be opened: ")
            assert "in use" in second.error
            assert second.url == ""
            first.close()
            end = time.monotonic() + 20
            while second.error and time.monotonic() < end:
                time.sleep(0.02)
            assert (second.error, ask(second, "/ready")[0]) == ("", 200)
        finally:
            second.close()


def test_other_reasons_that_it_cannot_be_opened(tmp_path: Path) -> None:
    for address in ("no.such.host.invalid:1", "a..b:1", f"{'x' * 100}:1"):
        made = Port(source(), options(address))
        assert f"{address} cannot be opened: " in made.error
        made.close()
    made = Port(source(), options(http_token_file=tmp_path / "missing"))
    assert "HttpTokenFile" in made.error
    made.close()
    with pytest.raises(OptionError, match="HttpAddress"):
        Port(source(), HttpOptions())


def test_it_ends_with_its_source() -> None:
    made = source()
    with opened(made) as port:
        url = port.url
        with connected(port) as connection:
            port.close()
            assert made.closed
            assert connection.recv(1) == b""
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(url, timeout=5)


def test_no_connection_is_left_open_by_an_end_in_the_moment_it_comes() -> None:
    for _ in range(20):
        with opened(source()) as port, contextlib.ExitStack() as clients:
            host, _, number = port.url.removeprefix("http://").partition(":")
            closing = threading.Thread(target=port.close)
            closing.start()
            with contextlib.suppress(ConnectionError):
                while closing.is_alive():
                    clients.enter_context(socket.create_connection((host, int(number)), 5))
            closing.join(10)
            assert not closing.is_alive()
            gc.collect()  # a socket that nobody has closed warns, which is an error here
