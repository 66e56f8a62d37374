"""A real Prometheus scrapes a real device: its numbers are those of attributes, file and ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory, Truth, lose
from tests.system.prometheus_server import Prometheus, prometheus

pytest.importorskip("h5py")
pytest.importorskip("uvicorn")

pytestmark = pytest.mark.needs("prometheus")


def _recorded(monitor: EventMonitor) -> dict[str, int]:
    """The sums of the last poll in the file."""
    with open_recording(str(monitor.value("recordingPath"))) as recording:
        polls = recording["polls"]
        names = ("published_total", "received_total", "missed_total")
        return {name: int(polls[name][-1]) for name in names}


def test_the_same_numbers_everywhere(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    targets = [publisher.name, subscriber.name]
    properties = {"HttpAddress": ["0"], "RecordOnStart": ["true"]}
    with event_monitor(database, tmp_path, targets, properties=properties) as monitor:
        url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        with prometheus(url, tmp_path) as server:
            wait_until(lambda: server.value("stem_events_missed_total") == 0, "the first scrape")
            pushed, truth = lose(publisher, subscriber, index)
            monitor.wait(lambda: monitor.value("totalMissedEvents") == truth.missing, "the exact count")
            _compare(monitor, server, (publisher.name, subscriber.name), pushed, truth)
            monitor.wait(lambda: _recorded(monitor)["missed_total"] == truth.missing, "the file")
            assert _recorded(monitor) == {
                "published_total": pushed,
                "received_total": truth.events,
                "missed_total": truth.missing,
            }
            wait_until(lambda: "StemEventsLost" in server.firing(), "the alert")
            monitor.proxy.RemoveTarget(subscriber.name)
            gone = f'{{__name__=~"stem_.*",subscriber="{subscriber.name}"}}'
            wait_until(lambda: not server.series(gone), "that its series vanish")
            assert server.value("stem_events_missed_total") == truth.missing


def _compare(
    monitor: EventMonitor, server: Prometheus, names: tuple[str, str], pushed: int, truth: Truth
) -> None:
    publisher, subscriber = names
    missed, received = truth.missing, truth.events
    wait_until(lambda: server.value("stem_events_missed_total") == missed, "the scrape of the loss")
    expected = {
        "stem_events_published_total": (pushed, "totalPublishedEvents"),
        "stem_events_received_total": (received, "totalReceivedEvents"),
        "stem_events_missed_total": (missed, "totalMissedEvents"),
        "stem_gaps_total": (monitor.value("totalGaps"), "totalGaps"),
        'stem_verdict{stem_verdict="lost"}': (1, ""),
    }
    for query, (number, attribute) in expected.items():
        assert server.value(query) == number
        assert not attribute or monitor.value(attribute) == number
    own = f'subscriber="{subscriber}",publisher="{publisher}"'
    assert server.value(f"stem_subscription_events_missed_total{{{own}}}") == missed
    assert server.value(f'stem_subscriber_events_missed_total{{subscriber="{subscriber}"}}') == missed
    assert server.value(f'stem_publisher_events_published_total{{publisher="{publisher}"}}') == pushed
    joined = (
        "stem_subscription_events_received_total"
        " / on (publisher, stream, device, name) group_left stem_stream_events_published_total"
    )
    share = server.value(joined)
    assert share is not None
    assert np.isclose(share, received / pushed)
    ((cause, _),) = server.series("stem_subscription_cause_info").items()
    assert dict(cause)["name"] == "number"
    assert dict(cause)["cause"]
    histogram = f'stem_processing_seconds_bucket{{subscriber="{subscriber}",le="+Inf"}}'
    count = server.value(histogram)
    assert count is not None
    assert 0 < count <= received
