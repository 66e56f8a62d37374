"""Documents reach the cluster once and in order, or wait on the disk; whatever the cluster does."""

from __future__ import annotations

import resource
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.elastic.elastic_stub import Cluster, error, said
from tests.unit.http_stub import HOSTILE, Behaviour, HttpStub, Request, answer, http_stub
from tests.unit.tls_stub import certificate, tls_stub

pytest.importorskip("elasticsearch")

from stem_device.elastic import Document, DocumentSender, Settings, Spool, document
from stem_device.elastic.cluster import Cluster as Client

pytestmark = pytest.mark.extras

MB = 1_000_000


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[HttpStub]:
    with http_stub(cluster) as stub:
        yield stub


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def settings(url: str, **more: Any) -> Settings:
    return Settings("p", {"hosts": [url], "request_timeout": 1.0, "max_retries": 0, **more})


def batch(*numbers: int) -> list[Document]:
    return [document("p", "Step", 0, {"n": number}, str(number)) for number in numbers]


def sender(
    server: HttpStub, spool: Spool | None = None, now: Clock | None = None, **more: Any
) -> DocumentSender:
    return DocumentSender(Client(settings(server.url, **more)), spool, now=now or Clock())


def numbers(cluster: Cluster) -> list[int]:
    return [int(one) for one in cluster.order]


def test_a_batch_is_one_request_and_arrives_whole(cluster: Cluster, server: HttpStub) -> None:
    one = DocumentSender(
        Client(settings(server.url)), None, ("stem-p-step", {"index_patterns": ["p-step-*"]})
    )
    one.send(batch(1, 2))
    one.send(batch(3))
    one.close()
    assert numbers(cluster) == [1, 2, 3]
    assert [key[0] for key in cluster.documents] == ["p-step-19700101"] * 3
    assert cluster.templates == {"stem-p-step": {"index_patterns": ["p-step-*"]}}
    assert len(server.requests) == 3, "the template once, each batch once"
    assert (one.kept().sent, one.kept().failed, one.documents_sent) == (2, 0, 3)


AWAY: dict[str, tuple[Any, str]] = {
    "429": (error(429, "es_rejected_execution_exception"), "429"),
    "503": (error(503, "unavailable"), "503"),
    "504": (error(504, "timeout"), "504"),
    "401": (error(401, "security_exception"), "authentication failed (401)"),
    "403": (error(403, "security_exception"), "not allowed (403)"),
    "full": (error(403, "cluster_block_exception", "exceeded flood-stage watermark"), "flood-stage"),
    "other client": (error(400, "media_type_header_exception"), "elasticsearch<9"),
    "no bulk answer": (said(200, {"hello": 1}), "not that of Elasticsearch"),
    "half an answer": (said(200, {"errors": True, "items": []}), "does not say what became of each document"),
}


@pytest.mark.parametrize("away", AWAY)
def test_what_is_not_taken_waits_and_is_sent_in_order(
    away: str, cluster: Cluster, server: HttpStub, tmp_path: Path
) -> None:
    said_then, told = AWAY[away]
    clock, spool = Clock(), Spool(tmp_path / "spool", MB)
    one = sender(server, spool, clock)
    one.send(batch(0))
    cluster.fail = lambda _: said_then
    for number in range(1, 4):
        clock.seconds += 100
        one.send(batch(number))
    assert (one.kept().sent, one.kept().waiting) == (1, 3)
    assert told in one.kept().error
    cluster.fail = lambda _: None
    clock.seconds += 100
    one.send(batch(4))
    one.close()
    assert numbers(cluster) == [0, 1, 2, 3, 4]
    assert one.kept()[:4] == (5, 0, 0, 0)
    assert not list(tmp_path.glob("spool/*.batch"))


def test_what_is_no_elasticsearch_is_told_as_that(tmp_path: Path) -> None:
    with http_stub(lambda _: answer(200, b"{}")) as server:
        one = sender(server, Spool(tmp_path / "spool", MB))
        one.send(batch(1))
        assert "is not Elasticsearch" in one.kept().error
        assert one.kept().waiting == 1


def test_without_a_spool_it_has_failed(cluster: Cluster, server: HttpStub) -> None:
    one = sender(server)
    cluster.fail = lambda _: error(503, "unavailable")
    one.send(batch(1))
    assert (one.kept().sent, one.kept().failed, one.kept().waiting) == (0, 1, 0)


def test_a_cluster_that_is_away_is_asked_ever_less_often(
    cluster: Cluster, server: HttpStub, tmp_path: Path
) -> None:
    clock = Clock()
    one = sender(server, Spool(tmp_path / "spool", MB), clock)
    cluster.fail = lambda _: error(503, "unavailable")
    tries = []
    for number in range(400):
        one.send(batch(number))
        tries.append(len(server.requests))
        clock.seconds += 1
    assert 10 <= tries[-1] <= 15, "after 1, 2, 4, ... 60 s"
    assert one.kept().waiting == 400


def test_retry_after_is_kept(cluster: Cluster, server: HttpStub, tmp_path: Path) -> None:
    clock = Clock()
    one = sender(server, Spool(tmp_path / "spool", MB), clock)
    cluster.fail = lambda _: error(429, "busy", Retry_After="30")
    for _ in range(30):
        one.send(batch(1))
        clock.seconds += 1
    assert len(server.requests) == 1
    clock.seconds += 1
    one.send(batch(1))
    assert len(server.requests) == 2


def test_documents_that_do_not_fit_are_dropped_alone_and_told(cluster: Cluster, server: HttpStub) -> None:
    mapping = {"type": "document_parsing_exception", "reason": "failed to parse field [n]"}
    cluster.judge = lambda body: (400, mapping) if body["n"] == 2 else (201, None)
    one = sender(server)
    one.send(batch(1, 2, 3))
    one.send(batch(4))
    assert numbers(cluster) == [1, 3, 4]
    assert (one.documents_sent, one.documents_refused) == (3, 1)
    assert (one.kept().sent, one.kept().failed) == (1, 1), "a poll that lacks something is not sent"
    assert "1 of 3 documents were refused: document_parsing_exception: failed" in one.kept().error


def test_documents_that_have_no_room_now_are_sent_again_alone(
    cluster: Cluster, server: HttpStub, tmp_path: Path
) -> None:
    busy = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
    cluster.judge = lambda body: (429, busy) if body["n"] in {2, 3} else (201, None)
    clock = Clock()
    one = sender(server, Spool(tmp_path / "spool", MB), clock)
    one.send(batch(1, 2, 3, 4))
    clock.seconds += 2
    cluster.judge = lambda body: (429, busy) if body["n"] == 3 else (201, None)
    one.send(batch(5))
    clock.seconds += 100
    cluster.judge = lambda _: (201, None)
    one.send(batch(6))
    assert numbers(cluster) == [1, 4, 2, 3, 5, 6]
    assert server.requests[1].body.count(b"\n") == 4, "of the first batch two documents were left"
    assert (one.kept().sent, one.kept().waiting) == (3, 0)


def test_one_bad_document_does_not_keep_others_from_a_whole_request(
    cluster: Cluster, server: HttpStub
) -> None:
    def fail(request: Request) -> bytes | None:
        if b'"n":5}' in request.body:
            return error(400, "action_request_validation_exception", "id is too long")
        return error(413, "too_large") if request.body.count(b"\n") > 12 else None

    cluster.fail = fail
    one = sender(server)
    one.send(batch(*range(10)))
    assert sorted(numbers(cluster)) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert one.documents_refused == 1
    assert "id is too long" in one.kept().error


def test_an_answer_that_was_lost_makes_nothing_twice(
    cluster: Cluster, server: HttpStub, tmp_path: Path
) -> None:
    def taken_but_not_said(request: Request) -> Any:
        if len(server.requests) == 1:
            Cluster.__call__(cluster_without_failures, request)
            return iter(())  # the connection stays open, and silent
        return None

    cluster_without_failures = Cluster(cluster.documents, cluster.order)
    cluster.fail = taken_but_not_said
    clock = Clock()
    one = sender(server, Spool(tmp_path / "spool", MB), clock)
    one.send(batch(1, 2))
    assert "does not answer in time" in one.kept().error
    assert one.kept().waiting == 1
    clock.seconds += 100
    one.send(batch(3))
    assert numbers(cluster) == [1, 2, 3]
    assert one.kept()[:4] == (2, 0, 0, 0)


def test_a_template_that_is_refused_is_told_and_stops_nothing(cluster: Cluster, server: HttpStub) -> None:
    cluster.fail = lambda request: (
        error(403, "security_exception", "no right") if "_index_template" in request.path else None
    )
    one = DocumentSender(Client(settings(server.url)), None, ("t", {"index_patterns": ["p-*"]}))
    one.send(batch(1))
    one.send(batch(2))
    assert numbers(cluster) == [1, 2]
    assert "the index template t was not taken" in one.kept().error
    assert sum("_index_template" in request.path for request in server.requests) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_endpoint_costs_little_time_and_no_memory(name: str, tmp_path: Path) -> None:
    behaviour: Behaviour = HOSTILE[name]
    with http_stub(behaviour) as server:
        clock = Clock()
        one = sender(server, Spool(tmp_path / "spool", MB), clock)
        one.send(batch(0))
        clock.seconds += 100
        tracemalloc.start()
        begin = time.monotonic()
        one.send(batch(1))
        seconds = time.monotonic() - begin
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert one.kept().waiting == 2
        assert "Elasticsearch: " in one.kept().error
        assert seconds < 5, "the time-out is 1 s for all of it"
        assert peak < 100 * MB
        if name == "redirect":
            assert "redirects (307)" in one.kept().error
            assert len(server.requests) == 2, "it is not followed"
        one.close()


def test_by_tls_it_is_the_same(cluster: Cluster, tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with tls_stub(cluster, files) as server:
        unknown = sender(server)
        unknown.send(batch(1))
        assert "cannot be spoken to by TLS: " in unknown.kept().error
        for known in (
            sender(server, ca_certs=str(files[0])),
            sender(server, verify_certs=False, ssl_show_warn=False),
        ):
            known.send(batch(1, 2))
            known.send(batch(3))
            assert known.kept().sent == 2
    assert numbers(cluster) == [1, 2, 3]
    for behaviour in (HOSTILE["slow"], HOSTILE["slow_body"]):
        with tls_stub(behaviour, files) as server:
            begin = time.monotonic()
            slow = sender(server, ca_certs=str(files[0]))
            slow.send(batch(1))
            assert "does not answer in time" in slow.kept().error
            assert time.monotonic() - begin < 5


def test_the_end_waits_for_no_cluster_that_is_away(tmp_path: Path) -> None:
    with http_stub(HOSTILE["silent"]) as server:
        one = sender(server, Spool(tmp_path / "spool", MB), Clock(), request_timeout=60.0)
        one._pause = 1.0  # it has failed before
        one.ending()
        begin = time.monotonic()
        one.send(batch(1))
        one.close()
        assert time.monotonic() - begin < 5
        assert one.kept().waiting == 1


def test_a_full_disk_drops_what_comes_and_keeps_what_is_there(
    cluster: Cluster, server: HttpStub, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the disk."""
    cluster.fail = lambda _: error(503, "unavailable")
    clock, spool = Clock(), tmp_path / "spool"
    one = sender(server, Spool(spool, MB), clock)
    one.send(batch(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        one.send(batch(2))
        assert (one.kept().waiting, one.kept().dropped) == (1, 1)
        assert "the spool" in one.kept().error
        assert "File too large" in one.kept().error
        assert [path.suffix for path in spool.iterdir() if path.name != ".lock"] == [".batch"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    one.send(batch(3))
    cluster.fail = lambda _: None
    clock.seconds += 100
    one.send(batch(4))
    assert numbers(cluster) == [1, 3, 4], "there is room again"
    assert (one.kept().sent, one.kept().waiting, one.kept().dropped) == (3, 0, 1)


def test_counts_are_told_while_the_disk_hangs(
    cluster: Cluster, server: HttpStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The poll thread asks for them, and must not hang with it."""
    cluster.fail = lambda _: error(503, "unavailable")
    one = sender(server, Spool(tmp_path / "spool", MB))
    one.send(batch(1))
    begun, goes_on, write = threading.Event(), threading.Event(), Spool._write

    def hang(spool: Spool, number: int, content: bytes) -> None:
        begun.set()
        goes_on.wait(20)
        write(spool, number, content)

    monkeypatch.setattr(Spool, "_write", hang)
    sending = threading.Thread(target=one.send, args=[batch(2)])
    sending.start()
    assert begun.wait(20)
    told: list[int] = []
    asking = threading.Thread(target=lambda: told.append(one.kept().waiting))
    asking.start()
    asking.join(10)
    goes_on.set()
    sending.join(20)
    assert told == [1]
    assert one.kept().waiting == 2


def test_what_waits_survives_the_process(cluster: Cluster, server: HttpStub, tmp_path: Path) -> None:
    cluster.fail = lambda _: error(503, "unavailable")
    first = sender(server, Spool(tmp_path / "spool", MB))
    first.send(batch(1))
    first.send(batch(2))
    first.close()
    cluster.fail = lambda _: None
    second = sender(server, Spool(tmp_path / "spool", MB))
    second.send(batch(3))
    assert numbers(cluster) == [1, 2, 3]
    assert second.kept().sent == 3
