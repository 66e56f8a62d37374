"""``stem who`` and ``QueryTopology`` against real servers."""

from __future__ import annotations

import json
from pathlib import Path

import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory
from tests.system.stem_process import stem


def test_who_is_subscribed_seen_and_unseen(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    publisher, first, second = servers(), servers(), servers()
    first.subscriber.subscribe(publisher.publisher)
    second.subscriber.subscribe(publisher.publisher)
    client = tango.DeviceProxy(publisher.publisher.device)
    number = client.subscribe_event("second", tango.EventType.CHANGE_EVENT, lambda _event: None)
    for attribute in ("number", "second"):
        publisher.publisher.push_in_background(attribute, period_seconds=0.02)
    device = "/".join(publisher.publisher.device.split("/")[-3:])
    with stem(tmp_path, "who", device, "--json", tango_host=database.tango_host) as run:
        assert run.wait() == 0, run.errors
        found = json.loads(run.output)
    with stem(
        tmp_path, "who", f"dserver/stemdemo/{publisher.instance}", tango_host=database.tango_host
    ) as run:
        assert run.wait() == 0, run.errors
        text = run.output
    with stem(tmp_path, "who", "no/such/device", tango_host=database.tango_host) as run:
        assert run.wait() == 1
        assert "no server tells of no/such/device" in run.errors
    client.unsubscribe_event(number)
    publisher.publisher.stop()
    streams = {one["stream"].rpartition("/")[2]: one for one in found["streams"]}
    number_stream, second_stream = streams["number.change"], streams["second.change"]
    assert {one["server"] for one in number_stream["subscribers"]} == {first.name, second.name}
    assert number_stream["published_rate"] > 0
    assert all(one["received_rate"] > 0 for one in number_stream["subscribers"])
    assert second_stream["subscribers"] == []
    assert second_stream["unseen"] in {"maybe", "certain"}
    (restart,) = found["restarts"]
    assert (restart["server"], restart["subscriptions"]) == (publisher.name, 2)
    assert "would interrupt 2 subscriptions of 2 servers to 1 stream and 1 stream with unseen" in text


def test_the_device_tells_the_same(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    with event_monitor(database, tmp_path, (publisher.name, subscriber.name)) as monitor:
        monitor.wait_polls(2)
        found = json.loads(monitor.proxy.QueryTopology())
    assert found["schema"] == "stem-device.topology"
    (stream,) = found["streams"]
    assert stream["publisher"] == publisher.name
    assert [one["server"] for one in stream["subscribers"]] == [subscriber.name]
