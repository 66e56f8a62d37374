"""Polls and losses of a real system in a server that speaks Elasticsearch, and over its outages."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.elastic_server import elastic_server
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory, lose
from tests.unit.http_stub import HOSTILE, http_stub

pytest.importorskip("elasticsearch")

from tests.unit.elastic.elastic_stub import Cluster, error

LOSSES = {"term": {"kind": "loss"}}
POLLS = {"exists": {"field": "execution_time"}}
LOST_BY_WAITING = 9
"""Polls of 0.1 s that are skipped where one waits for a request, which may take 1 s."""


def outlet(monitor: EventMonitor, what: str) -> Any:
    names = list(monitor.proxy.outletNames)
    return monitor.proxy.read_attribute(f"outlet{what}").value[names.index("elasticsearch")]


def properties(directory: Path, url: str, **more: Any) -> dict[str, list[str]]:
    path = directory / "es.json"
    path.write_text(json.dumps({"INDEX_PREFIX": "Night", "hosts": [url], **more}))
    spool = directory / "spool"
    spool.mkdir(exist_ok=True)
    return {"EsConfigFile": [str(path)], "EsSpoolDirectory": [str(spool)]}


@pytest.mark.needs("elasticsearch")
def test_polls_and_losses_are_there_with_the_numbers_of_the_device(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    targets = [publisher.name, subscriber.name]
    with (
        elastic_server(tmp_path / "elastic") as server,
        event_monitor(database, tmp_path, targets, properties=properties(tmp_path, server.url)) as monitor,
    ):
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        pushed, truth = lose(publisher, subscriber, index)
        monitor.wait(lambda: monitor.value("totalMissedEvents") == truth.missing, "the exact count")
        poll = int(str(monitor.value("pollNumber")))
        monitor.wait(lambda: outlet(monitor, "Sent") > poll, "the polls in Elasticsearch")

        polls = server.documents(POLLS, "night-eventmonitor-*")
        assert [one["poll"] for one in polls] == list(range(1, len(polls) + 1)), "every poll, once"
        last = polls[-1]
        assert last["stem_events_missed_total"] == truth.missing
        assert last["stem_events_received_total"] == truth.events
        assert last["stem_events_published_total"] == pushed
        assert last["stem_verdict"] == "lost"
        assert 0 < last["execution_time"] < 10
        losses = server.documents(LOSSES)
        assert sum(one["lost_lower"] for one in losses) == truth.missing
        assert all(one["onset"] <= one["notice"] for one in losses)
        assert {one["subscriber"] for one in losses} == {subscriber.name}
        assert {one["publisher"].lower() for one in losses} == {publisher.name.lower()}
        assert losses[-1]["cause"]
        assert losses[-1]["name"] == "number"
        assert server.groups("source.keyword").keys() == {"EventMonitor"}
        assert (outlet(monitor, "Failed"), outlet(monitor, "Dropped"), outlet(monitor, "Errors")) == (
            0,
            0,
            "",
        )


def test_what_an_outage_holds_up_arrives_once_and_in_order_after_a_kill(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, cluster = servers(), Cluster()
    with http_stub(cluster) as stub:
        given = properties(tmp_path, stub.url)
        with event_monitor(database, tmp_path, [target.name], properties=given) as monitor:
            monitor.wait(lambda: outlet(monitor, "Sent") >= 3, "polls in Elasticsearch")
            cluster.fail = lambda _: error(503, "unavailable")
            monitor.wait(lambda: outlet(monitor, "Waiting") >= 10, "polls that wait")
            assert "it answers 503" in outlet(monitor, "Errors")
            told, before = outlet(monitor, "Waiting"), int(str(monitor.value("pollNumber")))
            monitor.wait_polls(3)
            monitor.process.signal(signal.SIGKILL)
            monitor.process.wait()
            sent = len(polls_of(cluster))
            waiting = len(list((tmp_path / "spool").rglob("*.batch")))
            assert waiting >= told
            cluster.fail = lambda _: None
            monitor.process.start()
            monitor.wait(lambda: outlet(monitor, "Sent") >= waiting + 3, "what waited, and new polls")
        found = polls_of(cluster)
        assert found[: sent + waiting] == list(range(1, sent + waiting + 1)), (
            "every poll until the kill, once"
        )
        assert sent + waiting >= before
        assert found[sent + waiting :][:3] == [1, 2, 3], "and those of the new life"
        assert not list((tmp_path / "spool").rglob("*.batch"))


def polls_of(cluster: Cluster) -> list[int]:
    """In the order in which they came."""
    return [one["poll"] for one in tuple(cluster.documents.values()) if "execution_time" in one]


@pytest.mark.parametrize(
    "name", ["silent", *(pytest.param(one, marks=pytest.mark.matrix) for one in HOSTILE if one != "silent")]
)
def test_a_hostile_endpoint_costs_no_poll_and_no_memory(
    name: str, database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    import psutil

    target = servers()
    with http_stub(HOSTILE[name]) as stub:
        given = properties(tmp_path, stub.url, request_timeout=1) | {"PollPeriod": ["0.1"]}
        with event_monitor(database, tmp_path, [target.name], properties=given) as monitor:
            process = psutil.Process(monitor.process.pid)
            monitor.wait(lambda: outlet(monitor, "Errors"), "the error")
            before, overruns = process.memory_info().rss, monitor.value("pollOverruns")
            monitor.wait_polls(50)
            lost = int(str(monitor.value("pollOverruns"))) - int(str(overruns))
            assert lost < LOST_BY_WAITING, "no poll waits for it"
            assert process.memory_info().rss - before < 60_000_000
            assert outlet(monitor, "Waiting") >= 20
            assert outlet(monitor, "Dropped") == 0
            assert monitor.proxy.state() == tango.DevState.ON


def test_bad_settings_are_told_at_the_start(database: EmbeddedDatabase, tmp_path: Path) -> None:
    (tmp_path / "es.json").write_text('{"hosts": ["x"], "password": "password-7"}')
    given = {"EsConfigFile": [str(tmp_path / "es.json")]}
    with event_monitor(database, tmp_path, ["a/b/c"], properties=given) as monitor:
        assert monitor.proxy.state() == tango.DevState.FAULT
        assert "EsConfigFile: the client does not take it" in monitor.status
        assert "password-7" not in monitor.status
