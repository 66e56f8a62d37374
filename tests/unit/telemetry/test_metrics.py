"""Points reach whoever takes them, or are counted: a call never waits, an end loses nothing it need not."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from stem_device.errors import TelemetryError
from stem_device.telemetry import MetricsHealth, Telemetry
from stem_device.telemetry.metrics.batch import Answer as BatchAnswer
from stem_device.telemetry.metrics.buffer import PointBuffer
from stem_device.telemetry.metrics.destination import DestinationError
from stem_device.telemetry.metrics.sender import Sender
from stem_device.telemetry.metrics.settings import settings_of
from tests.unit.http_stub import HOSTILE, Answer, HttpStub, Request, answer, http_stub
from tests.waiting import wait_until

LIMIT = 20.0
Point = tuple[str, int, float, dict[str, str]]


class Monitor:
    """Takes points as an EventMonitor does; keeps what came. ``refused`` names are rejected."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.refused: set[str] = set()

    def __call__(self, request: Request) -> Answer:
        assert request.path == "/api/metrics"
        failed = taken = 0
        for one in json.loads(request.body):
            values = list(zip(one["timestamps"], one["values"], strict=True))
            if one["metric"] in self.refused:
                failed += len(values)
                continue
            taken += len(values)
            self.points += [(one["metric"], at, value, one["tags"]) for at, value in values]
        errors = [{"error": "no such name here"}] if failed else []
        told = {"success": taken, "failed": failed, "errors": errors}
        return answer(201, json.dumps(told).encode())


@contextmanager
def monitor() -> Iterator[tuple[Monitor, HttpStub]]:
    taker = Monitor()
    with http_stub(taker) as stub:
        yield taker, stub


def adds_up(health: MetricsHealth) -> bool:
    return health.offered == health.sent + health.waiting + health.dropped + health.rejected


def test_points_arrive_in_the_background_as_they_were_given() -> None:
    with monitor() as (taker, stub):
        telemetry = Telemetry(stub.url, telem_cfg={"collector_rate": 0.05}).start(2)
        before = time.time_ns()
        assert telemetry.level == 2
        assert telemetry.add_data("user/load", 1.5)
        telemetry.add_data("user/load", 2, timestamp=1_700_000_000)
        telemetry.add_data(
            ts_metric_name="gpu",
            ts_data=7.0,
            timestamp=1_700_000_000_123_456_789,
            tagk="gpu",
            tagv=3,
            rack="a",
        )
        assert not telemetry.add_data("internals", 1.0, telemetry_level=3)
        wait_until(lambda: len(taker.points) == 3)
        telemetry.finalize()
        who = {"host": socket.gethostname(), "process": str(os.getpid())}
        assert before <= taker.points[0][1] <= time.time_ns()
        assert taker.points[0][0::2] == ("user/load", 1.5)
        assert taker.points[1:] == [
            ("user/load", 1_700_000_000 * 10**9, 2.0, who),
            ("gpu", 1_700_000_000_123_456_789, 7.0, {**who, "gpu": "3", "rack": "a"}),
        ]
        health = telemetry.health()
        assert (health.offered, health.sent, health.errors) == (3, 3, 0)
        assert not telemetry.add_data("user/load", 1.0)


def test_what_can_be_no_point_is_told_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with monitor() as (taker, stub), Telemetry(stub.url) as telemetry:
        taker.refused = {"unknown"}
        for name, value, more in (
            ("has blanks", 1.0, {}),
            ("", 1.0, {}),
            (None, 1.0, {}),
            ("stem_events_missed_total", 1.0, {}),
            ("x" * 201, 1.0, {}),
            ("x", "text", {}),
            ("x", None, {}),
            ("x", float("nan"), {}),
            ("x", 10**400, {}),
            ("x", 1.0, {"timestamp": "now"}),
            ("x", 1.0, {"timestamp": -1}),
            ("x", 1.0, {"tagk": "a", "tagv": ""}),
            ("x", 1.0, {"tagk": "a", "tagv": ["unhashable"]}),
            ("x", 1.0, {f"label{number}": "1" for number in range(20)}),
        ):
            assert not telemetry.add_data(name, value, **more), (name, value, more)  # type: ignore[arg-type]
        assert telemetry.health().rejected == 14
        assert len(caplog.records) == 1
        telemetry.add_data("unknown", 1.0)
        telemetry.add_data("known", 1.0)
        assert telemetry.flush()
        assert telemetry.health().last_rejection == "no such name here"
        assert "no such name here" in caplog.text
        assert (telemetry.health().sent, telemetry.health().rejected) == (1, 15)
        assert adds_up(telemetry.health())


class Hostile:
    """An object of a program that can be nothing, not even a text."""

    def __float__(self) -> float:
        raise ZeroDivisionError

    def __hash__(self) -> int:
        raise KeyError("hash")

    def __str__(self) -> str:
        raise RuntimeError("text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "given",
    [
        {"ts_data": Hostile()},
        {"tagk": "a", "tagv": Hostile()},
        {"label": Hostile()},
        {"timestamp": Hostile()},
        {"ts_metric_name": Hostile()},
        {"telemetry_level": None},
        {"telemetry_level": "1"},
    ],
)
def test_whatever_a_program_gives_is_counted_and_never_raised(given: dict[str, Any]) -> None:
    telemetry = Telemetry("http://127.0.0.1:9")
    arguments: dict[str, Any] = {"ts_metric_name": "x", "ts_data": 1.0, **given}
    assert not telemetry.add_data(**arguments)
    assert (telemetry.health().offered, telemetry.health().rejected) == (1, 1)


class Whole:
    """As numpy's: a whole number that is no int."""

    def __index__(self) -> int:
        return 1_795_754_216_844_394_369


def test_times_and_labels_are_kept_as_they_were_given() -> None:
    """What is equal is not the same: 1, 1.0 and True are three labels, whichever came first."""
    with monitor() as (taker, stub), Telemetry(stub.url) as telemetry:
        for value in (1, True, 1.0):
            telemetry.add_data("place", 0.0, Whole(), tagk="of", tagv=value)  # type: ignore[arg-type]
            telemetry.add_data("label", 0.0, of=value)
        assert telemetry.flush()
    assert [tags["of"] for name, _, _, tags in taker.points if name == "place"] == ["1", "True", "1.0"]
    assert [tags["of"] for name, _, _, tags in taker.points if name == "label"] == ["1", "True", "1.0"]
    assert {at for name, at, _, _ in taker.points if name == "place"} == {1_795_754_216_844_394_369}


def test_a_connection_that_ends_with_each_answer() -> None:
    """As that of a monitor that is being stopped, or of a proxy in front of it."""
    taker = Monitor()

    def closing(request: Request) -> Answer:
        told = taker(request)
        assert isinstance(told, bytes)
        return told.replace(b"Content-Type", b"Connection: close\r\nContent-Type", 1)

    with http_stub(closing) as stub:
        telemetry = Telemetry(stub.url, telem_cfg={"collector_rate": 0.01})
        for number in range(3):
            telemetry.add_data("x", number)
            wait_until(lambda expected=number + 1: telemetry.health().sent == expected)  # type: ignore[misc]
        telemetry.finalize()
    assert [value for _, _, value, _ in taker.points] == [0.0, 1.0, 2.0]
    assert telemetry.health().errors == 0


class Failing:
    """A destination that raises what ``failures`` has, once each; None is no failure."""

    url = "nowhere"

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.values: list[float] = []

    def send(self, body: bytes, points: int, _limit: float) -> BatchAnswer:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        self.values += [value for one in json.loads(body) for value in one["values"]]
        return BatchAnswer(points, 0)

    def close(self) -> None:
        """It has no connection."""

    forget = close


@pytest.mark.parametrize("failure", [AttributeError("a fault of ours"), DestinationError("away")])
def test_no_failure_costs_a_point_or_the_thread(failure: Exception) -> None:
    buffer, destination = PointBuffer(100), Failing(failure)
    sender = Sender(buffer, destination, settings_of(None, None, {"collector_rate": 0.01}))
    for number in range(5):
        buffer.add((("x", ()), number, float(number)))
    sender.run()
    wait_until(lambda: sender.sent == 5)
    sender.end(5)
    assert destination.values == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert sender.errors == 1
    assert str(failure) in sender.last_error


def test_what_one_request_of_several_took_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is too long for one request, of which the second fails."""
    monkeypatch.setattr("stem_device.telemetry.metrics.sender.MAX_BATCH_BYTES", 400)
    buffer, destination = PointBuffer(100), Failing(None, DestinationError("away"))
    sender = Sender(buffer, destination, settings_of(None, None, None))
    for number in range(20):
        buffer.add(((f"x{number}", ()), number, float(number)))
    assert not sender.flush(5)
    assert 0 < len(destination.values) == sender.sent < 20
    assert len(buffer) == 20 - sender.sent
    assert sender.flush(5)
    assert destination.values == [float(number) for number in range(20)]
    assert (sender.sent, buffer.dropped) == (20, 0)


def test_a_monitor_that_is_away_costs_the_oldest_points() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    telemetry = Telemetry(f"http://127.0.0.1:{port}", telem_cfg={"collector_rate": 0.01, "max_points": 5000})
    took = []
    for number in range(30_000):
        begun = time.perf_counter_ns()
        telemetry.add_data("x", number)
        took.append(time.perf_counter_ns() - begun)
    wait_until(lambda: telemetry.health().errors)
    assert sorted(took)[len(took) // 2] < 100_000
    assert telemetry.health().waiting <= 7000
    taker = Monitor()
    with pytest.MonkeyPatch.context() as patch:
        make = socket.create_server
        patch.setattr(socket, "create_server", lambda *_, **__: make(("127.0.0.1", port)))
        with http_stub(taker):
            wait_until(lambda: telemetry.health().waiting == 0 and taker.points)
            telemetry.shutdown()
    values = [value for _, _, value, _ in taker.points]
    health = telemetry.health()
    assert values == sorted(set(values))
    assert values[-1] == 29_999
    assert 4000 < len(values) == health.sent == 30_000 - health.dropped


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_peer_costs_a_time_limit_and_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with http_stub(HOSTILE[name]) as stub:
        telemetry = Telemetry(stub.url, timeout=0.3)
        telemetry.add_data("x", 1.0)
        begun = time.monotonic()
        telemetry.flush()
        assert time.monotonic() - begun < 5
        health = telemetry.health()
        assert health.sent == 0
        assert health.errors == 1
        assert stub.url in health.last_error
        assert "EventMonitor" in health.last_error or "answer" in health.last_error
        telemetry.shutdown()
        assert telemetry.health().dropped == 1
        assert "1 points are lost" in caplog.text


def _because(status: int, _: Request) -> Answer:
    return answer(status, b"because")


def test_what_a_server_says_decides_whether_a_batch_is_kept() -> None:
    for status, kept in ((401, True), (404, True), (500, True), (503, True), (413, False), (422, False)):
        with http_stub(partial(_because, status)) as stub:
            telemetry = Telemetry(stub.url)
            telemetry.add_data("x", 1.0)
            telemetry.flush()
            health = telemetry.health()
            assert (health.waiting, health.rejected) == ((1, 0) if kept else (0, 1)), status
            assert f"{status}: because" in (health.last_error if kept else health.last_rejection)


def test_the_token_is_sent(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("STEM_HTTP_TOKEN", "from-environment")
    with monitor() as (_, stub):
        for settings, wanted in (
            ({}, "Bearer from-environment"),
            ({"auth_key": "key"}, "Bearer key"),
            ({"token_file": str(tmp_path / "token")}, "Bearer from-file"),
        ):
            with Telemetry(stub.url, telem_cfg=settings) as telemetry:
                telemetry.add_data("x", 1.0)
            assert stub.requests[-1].headers["authorization"] == wanted


def test_levels_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Telemetry("http://h").level == 2
    monkeypatch.setenv("DRAGON_TELEMETRY_LEVEL", "1")
    assert Telemetry("http://h").level == 1
    monkeypatch.setenv("DRAGON_TELEMETRY_LEVEL", "much")
    with pytest.raises(TelemetryError, match="DRAGON_TELEMETRY_LEVEL: must be a whole number"):
        Telemetry("http://h")
    monkeypatch.delenv("DRAGON_TELEMETRY_LEVEL")
    for arguments, problem in (
        (("ftp://h",), "metrics_url"),
        (("nowhere",), "metrics_url"),
        (("http://u:p@h",), "metrics_url"),
        (("http://h:99999",), "metrics_url"),
        (("http://h", -1), "timeout"),
        (("http://h", None, {"rate": 1}), "telem_cfg"),
        (("http://h", None, {"max_points": 0}), "max_points"),
    ):
        with pytest.raises(TelemetryError, match=problem):
            Telemetry(*arguments)
    with pytest.raises(TelemetryError, match="telemetry_level"):
        Telemetry("http://h").start(-1)


PROGRAM = """
import os, signal, sys, time
from stem_device.telemetry import Telemetry
telemetry = Telemetry(sys.argv[1], telem_cfg={"collector_rate": 60}).start(1)
for number in range(3000):
    telemetry.add_data("before", number)
"""
ENDS = {
    "exit": ("", 0),
    "exception": ("raise SystemExit(3)", 3),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)", -signal.SIGTERM),
    "SIGTERM with both": (
        "from stem_device import telemetry as files\nfiles.start(sys.argv[2])\n"
        "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)",
        -signal.SIGTERM,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_process_sends_what_waits(end: str, tmp_path: Any) -> None:
    code, status = ENDS[end]
    with monitor() as (taker, stub):
        line = [sys.executable, "-W", "error", "-c", PROGRAM + code, stub.url, str(tmp_path)]
        done = subprocess.run(line, timeout=60, check=False, capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        assert [value for _, _, value, _ in taker.points] == [*map(float, range(3000))]


def test_a_fork_inherits_nothing_and_its_points_have_their_own_process() -> None:
    code = """
child = os.fork()
for number in range(100):
    telemetry.add_data("parent" if child else "child", number)
if child:
    assert os.waitpid(child, 0)[1] == 0
    import multiprocessing
    more = multiprocessing.get_context("fork").Process(target=telemetry.add_data, args=("forked", 1.0))
    more.start(); more.join()
    assert more.exitcode == 0
"""
    with monitor() as (taker, stub):
        line = [sys.executable, "-c", PROGRAM + code, stub.url]
        subprocess.run(line, timeout=60, check=True)
        counts: dict[tuple[str, str], int] = {}
        for name, _, _, tags in taker.points:
            key = (name, tags["process"])
            counts[key] = counts.get(key, 0) + 1
        assert sorted((name, count) for (name, _), count in counts.items()) == [
            ("before", 3000),
            ("child", 100),
            ("forked", 1),
            ("parent", 100),
        ]
        assert len({process for _, process in counts}) == 3


def test_threads_lose_nothing_of_each_other() -> None:
    with monitor() as (taker, stub):
        telemetry = Telemetry(stub.url, telem_cfg={"collector_rate": 0.01})
        threads = [
            threading.Thread(
                target=lambda name=f"t{number}": [telemetry.add_data(name, one) for one in range(3000)]
            )
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        telemetry.shutdown()
        for number in range(4):
            mine = [value for name, _, value, _ in taker.points if name == f"t{number}"]
            assert mine == [*map(float, range(3000))]
        assert telemetry.health().sent == 12_000


def test_a_connection_that_the_monitor_closed_is_made_anew() -> None:
    with monitor() as (taker, stub):
        with Telemetry(stub.url) as telemetry:
            telemetry.add_data("x", 1.0)
            assert telemetry.flush()
            stub.stop()
            telemetry.add_data("x", 2.0)
            assert telemetry.flush()
            assert telemetry.health().errors == 0
        assert [value for _, _, value, _ in taker.points] == [1.0, 2.0]


def test_it_needs_the_standard_library_alone() -> None:
    code = (
        "import sys\nfrom stem_device import telemetry\n"
        f"assert {http.client.__name__!r} not in sys.modules\n"
        "telemetry.Telemetry('http://h')\n"
        "print([one for one in ('numpy', 'tango', 'msgspec', 'starlette') if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_nothing_is_logged_twice(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry("http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            telemetry.add_data("x", 1.0)
            telemetry.flush()
    # Senders of tests before may still be logging what became of their own endpoints.
    told = [one for one in caplog.records if "http://127.0.0.1:9/" in one.getMessage()]
    assert len(told) == 1
    assert telemetry.health().errors == 3
