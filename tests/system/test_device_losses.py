"""Events are lost, and the device says so: State, Status, totals and who lost them."""

from __future__ import annotations

import json
from pathlib import Path

import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory, flood


def test_who_lost_how_many(database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, tmp_path, targets, properties={"OverdueAlarmPolls": ["2"]}) as monitor:
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers")
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        pushed, truth = flood(publisher, subscriber, index)
        assert truth.last_number is not None
        lost_at_the_end = pushed - truth.last_number
        monitor.wait(lambda: monitor.value("overdueEvents") == lost_at_the_end, "what is overdue")
        monitor.wait_state(tango.DevState.ALARM)
        monitor.wait(lambda: f"{subscriber.name} waits for events" in monitor.status, "its name in Status")

        publisher.publisher.push()
        truth = subscriber.subscriber.wait_number(pushed + 1, index)
        monitor.wait(lambda: monitor.value("totalMissedEvents") == truth.missing, "the exact count")
        monitor.wait(lambda: monitor.value("overdueEvents") == 0, "nothing overdue")
        assert monitor.value("totalGaps") == truth.gaps
        assert monitor.value("totalReceivedEvents") == truth.events
        assert monitor.value("totalPublishedEvents") == pushed + 1
        (worst,) = monitor.proxy.worstSubscriptions
        assert worst.endswith(f" at {subscriber.name}")
        assert f"{publisher.publisher.device}/number" in worst
        assert list(monitor.proxy.worstMissedEvents) == [truth.missing]
        missed = dict(zip(monitor.proxy.serverNames, monitor.proxy.serverMissedEvents, strict=True))
        assert missed == {publisher.name: 0, subscriber.name: truth.missing}
        assert monitor.proxy.state() == tango.DevState.ALARM
        assert f"{subscriber.name} missed {truth.missing} events" in monitor.status
        (shown,) = json.loads(monitor.proxy.latestSnapshot)["worstSubscriptions"]
        assert (shown["server"], shown["missed"]) == (subscriber.name, truth.missing)

        monitor.proxy.ResetCounters()
        monitor.wait_state(tango.DevState.ON)
        assert monitor.value("totalMissedEvents") == 0


def test_record_and_sample_from_the_start(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    target.subscriber.subscribe(target.publisher)
    properties = {"RecordOnStart": ["true"], "MonitorPerformance": ["true"]}
    with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
        monitor.wait(lambda: monitor.value("sampledServers") == 1, "sampling")
        assert monitor.value("recording")
        assert Path(str(monitor.value("recordingPath"))).parent == tmp_path
        monitor.proxy.StopRecording()
        monitor.wait_polls(2)
        assert monitor.value("sampledServers") == 1


def test_a_recording_that_cannot_begin_at_the_start_does_not_end_monitoring(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    properties = {"RecordOnStart": ["true"], "RecordingDirectory": [str(tmp_path / "missing")]}
    with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
        monitor.wait_polls(2)
        assert monitor.value("monitoredServers") == 1
        assert monitor.proxy.state() == tango.DevState.ALARM
        assert "Recording failed" in monitor.status
