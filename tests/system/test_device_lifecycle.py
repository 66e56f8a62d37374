"""Start, Init, bad properties, targets that come and go, signals, a poll thread that dies."""

from __future__ import annotations

import json
import signal
import statistics
import threading
import time
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.event_monitors import EventMonitor, event_monitor, event_monitor_without_database
from tests.system.harness import Server, ServerFactory, freeze

BAD = {
    "PollPeriod": ["soon"],
    "MonitorPerformance": ["perhaps"],
    "RecordOnStart": ["2"],
    "MaxRecordingBytes": ["5"],
    "KeepRecordings": ["-1"],
    "TargetTimeout": ["0"],
    "ResolvePeriod": ["nan"],
    "QueriesPerPoll": ["0"],
    "AlarmHoldTime": ["-1"],
    "OverdueAlarmPolls": ["0.5"],
}


def sampling(server: Server) -> bool:
    """Whether sampling is on, as the server itself says; it publishes, so it has the key."""
    return json.loads(server.query())["server"]["perf"] is not None


def publishing(servers: ServerFactory) -> Server:
    """A server with a subscription to itself, so that its event system is up."""
    server = servers()
    server.subscriber.subscribe(server.publisher)
    server.publisher.push(steps=1)
    return server


def test_a_bad_property_is_fault_and_init_mends_it(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with event_monitor(database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        device = monitor.name.split("/", 3)[3]
        for name, lines in BAD.items():
            good = list(database.connection().get_device_property(device, name)[name])
            database.put_properties(device, {name: lines})
            monitor.proxy.Init()
            assert monitor.proxy.state() == tango.DevState.FAULT, name
            assert name in monitor.status
            assert "Init" in monitor.status
            reading = monitor.proxy.read_attribute("totalMissedEvents")
            assert reading.quality == tango.AttrQuality.ATTR_INVALID
            with pytest.raises(tango.DevFailed) as refused:
                monitor.proxy.StartRecording("")
            assert refused.value.args[0].reason == "STEM_NotWorking"
            assert name in refused.value.args[0].desc
            database.connection().delete_device_property(device, {name: []})
            if good:
                database.put_properties(device, {name: good})
            monitor.proxy.Init()
            monitor.wait_state(tango.DevState.ON)


def test_a_target_that_can_be_none_is_told_and_harms_only_itself(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with event_monitor(database, tmp_path, ["a b", target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        wait_until(lambda: "a b" in monitor.status, "the bad target to be told")
        assert monitor.proxy.serverCount == 1


def test_a_server_that_starts_with_a_bad_property_runs(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path, ["a/b/c"], properties={"PollPeriod": ["soon"]}) as monitor:
        assert monitor.proxy.state() == tango.DevState.FAULT
        assert "PollPeriod" in monitor.status


def test_without_targets(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path) as monitor:
        monitor.wait_polls()
        assert monitor.proxy.state() == tango.DevState.UNKNOWN
        assert "AddTarget" in monitor.status
        assert monitor.value("serverCount") == 0


def test_targets_are_kept_over_a_restart(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    first, second = servers(), servers()
    with event_monitor(database, tmp_path, [first.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        for _ in range(2):
            assert "kept in TargetDevices" in monitor.proxy.AddTarget(second.name)
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "the second server")
        monitor.process.stop()
        monitor.process.start()
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers again")
        for _ in range(2):
            assert "kept in TargetDevices" in monitor.proxy.RemoveTarget(first.name)
        assert list(monitor.proxy.targets) == [second.name]
        monitor.wait(lambda: monitor.value("serverCount") == 1, "the first server to go")
        monitor.proxy.RemoveTarget(second.name)
        monitor.process.stop()
        monitor.process.start()
        monitor.wait(lambda: "TargetDevices is empty" in monitor.status, "no target")
        with pytest.raises(tango.DevFailed) as refused:
            monitor.proxy.AddTarget("  ")
        assert refused.value.args[0].reason == "STEM_OptionError"


def test_without_a_database(servers: ServerFactory, tmp_path: Path) -> None:
    target = servers()
    with event_monitor_without_database(tmp_path) as monitor:
        answer = monitor.proxy.AddTarget(target.name)
        assert "without a database" in answer
        monitor.wait_state(tango.DevState.ON)
        assert list(monitor.proxy.serverNames) == [target.name]
        assert "without a database" in monitor.status


def test_recordings(database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path) -> None:
    target, records = servers(), tmp_path / "records"
    properties = {"RecordingDirectory": [str(records)]}
    with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
        monitor.wait_state(tango.DevState.ON)
        with pytest.raises(tango.DevFailed) as refused:
            monitor.proxy.StartRecording("test")
        assert refused.value.args[0].reason == "STEM_RecordingError"
        assert str(records) in refused.value.args[0].desc
        assert str(records) in str(monitor.value("recordingError"))
        monitor.wait_state(tango.DevState.ALARM)
        assert "Recording failed" in monitor.status
        records.mkdir()
        path = Path(monitor.proxy.StartRecording("test"))
        assert path.parent == records
        assert path.exists()
        assert monitor.proxy.StartRecording("other") == str(path)
        assert monitor.value("recording")
        assert monitor.value("recordingPath") == str(path)
        monitor.wait_state(tango.DevState.ON)
        assert str(path) in monitor.status
        monitor.wait(lambda: monitor.value("recordedPolls") >= 2, "recorded polls")
        assert monitor.value("recordedBytes") > 0
        for _ in range(2):
            monitor.proxy.StopRecording()
            assert not monitor.value("recording")


def test_a_label_cannot_leave_the_directory(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, records = servers(), tmp_path / "records"
    records.mkdir()
    properties = {"RecordingDirectory": [str(records)]}
    with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
        for label in ("../up", "/etc/x", "a\nb", "x" * 5000):
            reason, path = started(monitor, label)
            assert reason.startswith("STEM_") if reason else path.resolve().parent == records
            monitor.proxy.StopRecording()


def started(monitor: EventMonitor, label: str) -> tuple[str, Path]:
    """The reason of the refusal, or the path."""
    try:
        return "", Path(monitor.proxy.StartRecording(label))
    except tango.DevFailed as error:
        return error.args[0].reason, Path()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_sampling_and_recording(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path, number: signal.Signals
) -> None:
    h5py = pytest.importorskip("h5py")
    target = publishing(servers)
    with event_monitor(database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        path = Path(monitor.proxy.StartRecording("signal"))
        monitor.wait(lambda: sampling(target), "sampling")
        monitor.wait(lambda: monitor.value("recordedPolls") >= 2, "recorded polls")
        monitor.process.signal(number)
        assert monitor.process.wait(20.0) == 0
    assert not sampling(target)
    with h5py.File(path, "r") as file:
        # Written when the file is closed, and only then.
        assert len(file["entry/context/end_time"]) == 1


def test_a_signal_ends_the_server_while_a_target_hangs(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, hung = publishing(servers), servers()
    properties = {"TargetTimeout": ["1.0"]}
    with event_monitor(database, tmp_path, [target.name, hung.name], properties=properties) as monitor:
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers")
        monitor.proxy.StartPerformanceMonitoring()
        monitor.wait(lambda: sampling(target), "sampling")
        freeze(hung.process.pid)
        try:
            monitor.wait(lambda: monitor.value("unreachableServers") == 1, "the hung server")
            monitor.process.signal(signal.SIGTERM)
            assert monitor.process.wait(20.0) == 0
            assert not sampling(target)
        finally:
            hung.process.signal(signal.SIGCONT)


def test_init_ends_sampling_and_goes_on(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = publishing(servers)
    with event_monitor(database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        monitor.proxy.StartPerformanceMonitoring()
        monitor.wait(lambda: sampling(target), "sampling")
        monitor.proxy.Init()
        assert not sampling(target)
        monitor.wait_state(tango.DevState.ON)


def test_many_inits_at_once(database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path) -> None:
    target = servers()
    with event_monitor(database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        proxies = [tango.DeviceProxy(monitor.name) for _ in range(4)]
        for proxy in proxies:
            proxy.set_timeout_millis(20_000)
        errors: list[Exception] = []

        def init(proxy: tango.DeviceProxy) -> None:
            with tango.EnsureOmniThread():
                try:
                    for _ in range(3):
                        proxy.Init()
                except tango.DevFailed as error:
                    errors.append(error)

        threads = [threading.Thread(target=init, args=(proxy,)) for proxy in proxies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        monitor.wait_state(tango.DevState.ON)
        # One poll thread is left: had others survived, polls would come faster than the period.
        monitor.proxy.pollPeriod = 3600.0
        monitor.proxy.Poll()
        number = monitor.value("pollNumber")
        time.sleep(1.0)
        assert monitor.value("pollNumber") == number


def test_a_poll_thread_that_dies_is_restarted_and_told(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target, fault = servers(), tmp_path / "fault"
    with event_monitor(
        database,
        tmp_path,
        [target.name],
        module="tests.system.faulty_event_monitor",
        environment={"FAULT_FILE": str(fault)},
    ) as monitor:
        monitor.wait_state(tango.DevState.ON)
        fault.touch()
        monitor.wait(lambda: "pollNumber" and "SystemExit" in monitor.process.output(), "the fault")
        fault.unlink()
        monitor.wait(lambda: monitor.value("pollThreadRestarts") >= 1, "the restart")
        monitor.wait_polls(2)
        assert "poll thread failed and was restarted" in monitor.status
        assert "ordered by the test" in monitor.status
        assert "ordered by the test" in str(monitor.value("lastMonitorError"))


def test_reads_do_not_wait_for_a_hung_target(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    first, hung = servers(), servers()
    properties = {"TargetTimeout": ["1.5"]}
    with event_monitor(database, tmp_path, [first.name, hung.name], properties=properties) as monitor:
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers")
        freeze(hung.process.pid)
        try:
            poll = threading.Thread(target=_poll, args=(monitor.name,))
            poll.start()
            took: list[float] = []
            while poll.is_alive() or len(took) < 50:
                began = time.perf_counter()
                monitor.proxy.read_attribute("totalMissedEvents")
                took.append(time.perf_counter() - began)
                time.sleep(0.01)
            poll.join()
            assert statistics.median(took) < 0.02
            assert max(took) < 0.5
            monitor.wait_state(tango.DevState.ALARM)
            assert hung.name in monitor.status
        finally:
            hung.process.signal(signal.SIGCONT)
        monitor.wait_state(tango.DevState.ON)


def _poll(name: str) -> None:
    with tango.EnsureOmniThread():
        proxy = tango.DeviceProxy(name)
        proxy.set_timeout_millis(15_000)
        proxy.Poll()
