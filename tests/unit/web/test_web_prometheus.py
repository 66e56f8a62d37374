"""promtool finds nothing to say of the metrics, and every rule does what it is for."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.catalogue import QUANTITIES, Details, series_of
from stem_device.model.snapshot import Timings
from stem_device.web.rendering import Renderer, TextFormat
from tests.unit.full_snapshots import FULL, STATE
from tests.unit.made_snapshots import snapshot
from tests.unit.web import prometheus_rule_tests as cases

yaml = pytest.importorskip("yaml")

pytestmark = [pytest.mark.extras, pytest.mark.needs("prometheus")]

RULES = files("stem_device.web").joinpath("prometheus_rules.yaml").read_text()
EVERY = [rule for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}


def promtool(*arguments: str, **more: Any) -> str:
    """What it says; empty where it has nothing to say."""
    done = subprocess.run(["promtool", *arguments], check=False, capture_output=True, text=True, **more)
    return (
        "" if done.returncode == 0 and not done.stderr else done.stdout + done.stderr + str(done.returncode)
    )


def test_promtool_has_nothing_to_say_of_the_metrics() -> None:
    sampled = replace(snapshot(*FULL.servers, sampled=3), timings=Timings(1.0, 2.0, 3.0, 4.0))
    samples = replace(sampled.subscriber_samples, first_callback_latency_micros=np.array([-1.0, 2.0, 3.0]))
    one = replace(FULL, subscriber_samples=samples, timings=sampled.timings)
    text = Renderer().render(series_of(one, STATE, Details.ALL), TextFormat.PLAIN).decode()
    for quantity in QUANTITIES:
        assert f"# TYPE {quantity.metric} " in text
    assert promtool("check", "metrics", input=text) == ""


def test_every_alert_is_tested_both_ways() -> None:
    assert ALERTS.keys() == cases.FIRES.keys() == cases.SILENT.keys()
    assert {rule["record"] for rule in EVERY if "record" in rule} == {one[0] for one in cases.RECORDED}
    metrics = {quantity.metric for quantity in QUANTITIES}
    for rule in EVERY:
        assert set(re.findall(r"\bstem_\w+", rule["expr"])) <= metrics
    for rule in ALERTS.values():
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}


def run(tests: Iterable[dict[str, Any]], folder: Path) -> str:
    (folder / "rules.yaml").write_text(RULES)
    (folder / "tests.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [*tests]}))
    return promtool("test", "rules", "tests.yaml", cwd=folder)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_stays_silent(alert: str, tmp_path: Path) -> None:
    assert run((cases.case_of_alert(alert, series, []) for series in cases.SILENT[alert]), tmp_path) == ""


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires(alert: str, tmp_path: Path) -> None:
    for series in cases.FIRES[alert]:
        # With nothing expected, promtool says what it got; annotations are shown there with their values.
        told = run([cases.case_of_alert(alert, series, [])], tmp_path)
        assert f'alertname="{alert}"' in told
        assert f'severity="{ALERTS[alert]["labels"]["severity"]}"' in told
        assert "<error" not in told
        assert "no value" not in told


@pytest.mark.parametrize(("record", "series", "value"), cases.RECORDED)
def test_recorded(record: str, series: dict[str, str], value: float, tmp_path: Path) -> None:
    assert run([cases.case_of_record(record, series, value)], tmp_path) == ""
