"""Scripts for two earlier packages run unchanged but for the import; what they sent is read by field."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stem_device.demo.database import EmbeddedDatabase
from tests.system.elastic_server import elastic_server
from tests.system.event_monitors import event_monitor

pytest.importorskip("uvicorn")

DRAGON = "from dragon.telemetry import AnalysisClient, Telemetry\n"
OURS = "from stem_device.telemetry import AnalysisClient, Telemetry\n"
SCRIPT = (
    DRAGON
    + """
import json, time

dt = Telemetry()
for step in range(5):
    dt.add_data(ts_metric_name="user_loss", ts_data=1.0 / (step + 1), timestamp=int(time.time()) - step)
    dt.add_data("user_utilization", 10.0 * step, tagk="gpu", tagv=str(step % 2))
    dt.add_data(ts_metric_name="internal", ts_data=1.0, telemetry_level=4)
dt.finalize()

dac = AnalysisClient()
dac.connect()
metrics = dac.get_metrics()
assert "user_loss" in metrics and "internal" not in metrics
data = dac.get_data(["user_loss", "user_utilization"])
averages = [sum(one["dps"].values()) / len(one["dps"]) for one in data]
worst = averages.index(min(averages))
print(json.dumps([data, averages, data[worst]["tags"]["host"]]))
"""
)


def run(script: str, *arguments: str, **environment: str) -> str:
    line = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_for_dragon(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path, properties={"HttpAddress": ["0"]}) as monitor:
        url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
        told = run(SCRIPT.replace(DRAGON, OURS), STEM_METRICS_URL=url, DRAGON_TELEMETRY_LEVEL="3")
    data, averages, host = json.loads(told)
    assert host == socket.gethostname()
    assert [set(one) for one in data] == [{"metric", "tags", "aggregateTags", "dps"}] * 3
    assert [one["metric"] for one in data] == ["user_loss", "user_utilization", "user_utilization"]
    assert [len(one["dps"]) for one in data] == [5, 3, 2]
    assert [one["tags"].get("gpu") for one in data] == [None, "0", "1"]
    assert averages == pytest.approx([sum(1 / n for n in range(1, 6)) / 5, 20.0, 20.0])


APF = "from apf.metrics.elastic_metrics import ElasticMetrics\n"
STEP = (
    APF
    + """
import sys, time

class GenericStep:
    def __init__(self, config=None, **step_args):
        self.config = config or {}

class ClassifyStep(ElasticMetrics, GenericStep):
    def execute(self, message):
        time.sleep(0.01)
        self.send_metrics(candid=message, n_messages=1)

hosts = [sys.argv[1]]
step = ClassifyStep(config={"ES_CONFIG": {"INDEX_PREFIX": "Night", "hosts": hosts}})
for message in range(20):
    step.execute(message)

class Off(ElasticMetrics, GenericStep):
    pass

Off(config={}).send_metrics(candid=1)
"""
)


def test_a_step_for_elasticsearch(tmp_path: Path) -> None:
    pytest.importorskip("elasticsearch")
    with elastic_server(tmp_path / "elastic") as server:
        today = f"{datetime.now(UTC):%Y%m%d}"
        run(STEP.replace(APF, "from stem_device.elastic import ElasticMetrics\n"), server.url)

        def found() -> Any:
            days = {today, f"{datetime.now(UTC):%Y%m%d}"}
            return [
                one
                for day in days
                for one in server.documents({"match_all": {}}, f"night-classifystep-{day}")
            ]

        bodies = found()
        assert server.groups("source.keyword") == {"ClassifyStep": 20}
        assert sorted(one["candid"] for one in bodies) == [*range(20)]
        for one in bodies:
            assert one["source"] == "ClassifyStep"
            assert 0.01 <= one["execution_time"] < 60
            assert one["n_messages"] == 1
            for name in ("@timestamp", "timestamp_received", "timestamp_sent"):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one[name]), name


def test_a_cluster_that_is_away_costs_no_document_and_no_time(tmp_path: Path) -> None:
    pytest.importorskip("elasticsearch")
    from stem_device.elastic import ElasticMetrics

    class Step(ElasticMetrics):
        """Nothing else."""

    (tmp_path / "spool").mkdir()
    with elastic_server(tmp_path / "elastic") as server:
        more = {"hosts": [server.url], "SPOOL_DIRECTORY": str(tmp_path / "spool")}
        server.stop()
        away = Step(config={"ES_CONFIG": more})
        for number in range(50):
            away.send_metrics(number=number)
        away.send_metrics(number=object())
        assert away.close_metrics()
        health = away.metrics_health()
        assert health is not None
        assert (health.documents, health.sent, health.refused, health.batches.waiting) == (51, 0, 1, 1)
        server.start()
        back = Step(config={"ES_CONFIG": more})
        back.send_metrics(number=50)
        assert back.close_metrics()
        found = server.documents({"match_all": {}})
        assert sorted(one["number"] for one in found) == [*range(51)]
