"""Points of real programs in a real EventMonitor: recorded, exported, asked for, and none of them lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.telemetry import AnalysisClient, Telemetry
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory

pytest.importorskip("h5py")
pytest.importorskip("uvicorn")

TOKEN = "secret-of-the-test"
SENDER = """
import sys
from stem_device.telemetry import Telemetry

telemetry = Telemetry(sys.argv[1], telem_cfg={"auth_key": sys.argv[2]})
for number in range(2500):
    telemetry.add_data("user/load", number, timestamp=1_700_000_000_000_000_000 + number, tagk="gpu", tagv=0)
telemetry.finalize()
health = telemetry.health()
assert (health.sent, health.errors, health.dropped) == (2500, 0, 0), health
print(health.pid)
"""


def ask(url: str, body: Any = None, *, token: str = TOKEN) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_points_of_two_processes_by_both_ways(
    database: EmbeddedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    properties = {"HttpAddress": ["0"], "HttpTokenFile": [str(tmp_path / "token")]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
        path = Path(monitor.proxy.StartRecording("metrics"))
        monkeypatch.setenv("TANGO_HOST", database.tango_host)
        programs = [
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", SENDER, where, TOKEN], stdout=subprocess.PIPE, text=True
            )
            for where in (url, monitor.name)
        ]
        pids = [one.communicate(timeout=100)[0].strip() for one in programs]
        assert [one.returncode for one in programs] == [0, 0]
        assert ask(f"{url}/api/put", [], token="")[0] == 401
        assert ask(f"{url}/api/put", {"metric": "from.put", "value": 3, "tags": {"a": "b c"}})[0] == 204
        dragons = {"timestamp": 1_700_000_000, "dps": [{"metric": "theirs", "value": 1}, {"metric": "a b"}]}
        status, told = ask(f"{url}/api/metrics", dragons)
        assert (status, json.loads(told)["success"], json.loads(told)["failed"]) == (201, 1, 1)
        assert json.loads(ask(f"{url}/api/ready")[1]) == {"is_ready": True}
        with pytest.raises(tango.DevFailed, match="no JSON array of points"):
            monitor.proxy.AddData("nonsense")
        monitor.wait_polls(2)
        assert monitor.value("metricPoints") == 5002
        assert monitor.value("metricPointsRejected") == 1
        assert monitor.value("metricSeries") == 4
        assert "'a b'" in str(monitor.value("metricRejection"))
        _check_reading(AnalysisClient(url, telem_cfg={"auth_key": TOKEN}), pids)
        host = socket.gethostname()
        scraped = ask(f"{url}/metrics")[1]
        for pid in pids:
            assert f'user_load{{gpu="0",host="{host}",process="{pid}"}} 2499.0\n' in scraped
        assert 'from_put{a="b c"} 3.0\n' in scraped
        query = {"metric": "user/load", "aggregator": "count", "tags": {"host": "*"}}
        body = {"start": 1_699_999_999, "end": 1_700_000_001, "queries": [query]}
        (answer,) = json.loads(ask(f"{url}/api/query", body)[1])
        assert answer["dps"] == {"1700000000": 2}
        assert answer["aggregateTags"] == ["process"]
        monitor.proxy.StopRecording()
    with open_recording(path) as recording:
        points = [
            (one.process, at, value)
            for snapshot in recording.snapshots()
            for rows in [snapshot.metrics]
            for one, at, value in zip(
                [rows.series[number] for number in rows.index], rows.at_utc_ns, rows.value, strict=True
            )
            if one.name == "user/load"
        ]
    for pid in pids:
        assert [(at, value) for process, at, value in points if process == pid] == [
            (1_700_000_000_000_000_000 + number, number) for number in range(2500)
        ]
    _check_reading(AnalysisClient(path), pids)


def _check_reading(client: AnalysisClient, pids: list[str]) -> None:
    with pytest.raises(RuntimeError, match="connect"):
        client.get_metrics()
    client.connect(timeout=20)
    assert {"user/load", "from.put", "theirs", "stem_polls_total"} <= set(client.get_metrics())
    found = client.get_data("user/load", start_time=1_600_000_000)
    assert {one["tags"]["process"] for one in found} == set(pids)
    for one in found:
        assert one["metric"] == "user/load"
        assert one["tags"]["host"] == socket.gethostname()
        assert one["aggregateTags"] == []
        assert max(one["dps"].values()) == 2499
    assert client.get_data(["theirs"], tags=[], start_time=1_600_000_000)[0]["dps"] == {1_700_000_000: 1.0}
    assert client.get_data("user/load", tags="rack", start_time=1_600_000_000) == []
    assert client.get_data("unknown") == []
    with pytest.raises(AttributeError):
        client.get_data(3)
    client.close()


def test_a_monitor_that_is_not_there_is_told(tmp_path: Path) -> None:
    client = AnalysisClient("http://127.0.0.1:9")
    with pytest.raises(RuntimeError, match="refused"):
        client.connect(timeout=0.3)
    for where in (str(tmp_path / "none.h5"), "none.h5"):
        with pytest.raises(RuntimeError, match="is no recording"):
            AnalysisClient(where).connect(timeout=0.3)


def test_a_monitor_that_restarts_loses_no_point(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    telemetry = Telemetry(f"http://{address}", telem_cfg={"collector_rate": 0.05})
    telemetry.add_data("x", 1.0)
    with event_monitor(database, tmp_path, properties={"HttpAddress": [address]}) as monitor:
        monitor.wait(lambda: telemetry.health().sent == 1, "the first point")
        monitor.proxy.Init()
        for number in range(100):
            telemetry.add_data("x", number)
        monitor.wait(lambda: telemetry.health().sent == 101, "all points")
        telemetry.finalize()
        assert telemetry.health().dropped == 0
        monitor.wait_polls(1)
        assert monitor.value("metricPoints") == 100


def test_extra_attributes_by_events_and_by_reading(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher = servers().publisher
    device = publisher.device
    properties = {
        "ExtraAttributes": [f"{device}/State", f"{device}/number", f"{device}/none"],
        "HttpAddress": ["0"],
    }
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        client = AnalysisClient(str(monitor.wait(lambda: monitor.value("httpUrl"), "the port")))
        client.connect(timeout=20)
        monitor.wait(lambda: len(client.get_data("device_attribute")) == 2, "both attributes")
        (error,) = monitor.wait(lambda: monitor.value("extraAttributeErrors"), "the third to be told")
        assert f"{device}/none: " in error
        found = {one["tags"]["name"]: one for one in client.get_data("device_attribute")}
        assert found["State"]["tags"]["device"] == device
        assert set(found["State"]["dps"].values()) <= {*map(float, range(14))}

        def number() -> dict[float, float]:
            return next(
                one["dps"] for one in client.get_data("device_attribute") if one["tags"]["name"] == "number"
            )

        before = len(number())
        publisher.push(steps=50)  # faster than anybody reads
        monitor.wait(lambda: len(number()) == before + 50, "every event")


def test_a_metric_becomes_an_attribute_on_request(database: EmbeddedDatabase, tmp_path: Path) -> None:
    """Value and time of the latest point, events, quality; kept over Init; errors and limits are told."""
    properties = {"MetricAttributes": ['load=user/load{host="rack-1"}'], "PollPeriod": ["0.1"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        proxy = monitor.proxy

        def add(value: float, at_ns: int, **tags: str) -> None:
            point = {"metric": "user/load", "value": value, "timestamp": at_ns, "tags": tags}
            assert json.loads(proxy.AddData(json.dumps([point])))["failed"] == 0

        monitor.wait_polls(1)
        assert proxy.read_attribute("load").quality == tango.AttrQuality.ATTR_INVALID
        assert list(monitor.value("metricAttributeErrors")) == ["load: no point came within 5 minutes"]
        add(1.5, 1_700_000_000_250_000_000, host="rack-1", process="11")
        add(9.0, 1_700_000_000_250_000_000, host="rack-2", process="11")
        monitor.wait(lambda: monitor.value("load") == 1.5, "the value")
        stamp = proxy.read_attribute("load").time
        assert (stamp.tv_sec, stamp.tv_usec) == (1_700_000_000, 250_000)
        for _ in range(2):
            told = proxy.AddMetricAttribute("user/load")
            assert told == "2 metrics are attributes now, kept in MetricAttributes."
        (error,) = monitor.value("metricAttributeErrors")
        assert error.startswith("user_load: 2 series have points, name a label of one: host=rack-1, ")
        refused = {"State=user/load": "there is an attribute State", "a b": "must be as queueLength"}
        for wrong, why in refused.items():
            with pytest.raises(tango.DevFailed, match=why) as caught:
                proxy.AddMetricAttribute(wrong)
            assert caught.value.args[0].reason == "STEM_OptionError"
        seen: list[float] = []

        def note(event: Any) -> None:
            if not event.err:
                seen.append(event.attr_value.value)

        event = proxy.subscribe_event("load", tango.EventType.CHANGE_EVENT, note)
        proxy.Init()  # the attribute stays, and so does who subscribed to it
        add(2.5, 1_700_000_001_000_000_000, host="rack-1", process="11")
        monitor.wait(lambda: seen[-1:] == [2.5], "the event")
        proxy.unsubscribe_event(event)
        assert proxy.RemoveMetricAttribute("USER_LOAD").startswith("1 metrics are attributes now")
        assert "user_load" not in proxy.get_attribute_list()
        kept = proxy.get_property("MetricAttributes")["MetricAttributes"]
        assert list(kept) == ['load=user/load{host="rack-1"}']
        with pytest.raises(tango.DevFailed, match="no metric is shown as an attribute of this name"):
            proxy.RemoveMetricAttribute("user_load")
        proxy.put_property({"MetricAttributes": ["load=user/load", "pollNumber=x"]})
        proxy.Init()
        assert proxy.state() == tango.DevState.FAULT
        assert "MetricAttributes" in monitor.status
