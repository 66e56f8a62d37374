"""Debian's TangoTest in C++, of Tango 9.3.4, which nobody patched: the doctor, the tap and a canary."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess
from tests.system.event_monitors import event_monitor
from tests.system.stem_process import stem
from tests.system.tango_tree import LIBRARIES, NoTreeError, tango_tree

DEVICE = "sys/tg_test/1"
ATTRIBUTE = f"{DEVICE}/double_scalar"
POLLED_MS, PERIOD_MS = 100, 250
BEATS_MS = 300
"""The first polling at which a period has passed."""

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(180)]


@pytest.fixture
def device(database: EmbeddedDatabase, tmp_path: Path) -> Iterator[tango.DeviceProxy]:
    try:
        tree = tango_tree()
    except NoTreeError as error:
        pytest.skip(str(error))
    database.add_server("TangoTest/test", [("TangoTest", DEVICE)])
    process = ChildProcess(
        [str(tree / "usr/lib/tango/TangoTest"), "test", *LOOPBACK],
        log=tmp_path / "tango_test.log",
        environment={
            **os.environ,
            "TANGO_HOST": database.tango_host,
            "LD_LIBRARY_PATH": str(tree / LIBRARIES),
        },
        ready_line=READY_LINE,
    )
    with process:
        proxy = tango.DeviceProxy(f"tango://{database.tango_host}/{DEVICE}")
        config: Any = proxy.get_attribute_config("double_scalar")
        config.events.per_event.period = str(PERIOD_MS)
        config.events.ch_event.abs_change = "1e-6"
        proxy.set_attribute_config(config)
        proxy.poll_attribute("double_scalar", POLLED_MS)
        yield proxy


@pytest.mark.parametrize("event", ["change", "periodic"])
def test_the_doctor_finds_nothing_broken(
    event: str, device: tango.DeviceProxy, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    assert device.is_attribute_polled("double_scalar")
    with stem(
        tmp_path, "doctor", ATTRIBUTE, "--event", event, "--json", tango_host=database.tango_host
    ) as doctor:
        assert doctor.wait(120.0) == 0, doctor.output
    told = json.loads(doctor.output)
    verdicts = {one["link"]: one["verdict"] for one in told["links"]}
    assert told["broken"] is None
    for link in ("answers", "polling", "subscription", "endpoints", "heartbeat", "wire", "callback"):
        assert verdicts[link] == "ok", told["links"]


def test_the_tap_and_a_canary_count_the_same(
    device: tango.DeviceProxy, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    properties = {"CanaryAttributes": [ATTRIBUTE], "TapPublishers": ["unsupported"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        monitor.wait(lambda: list(monitor.value("canaryEvents") or ()) == ["periodic"], "the canary")

        def tap() -> dict[str, int]:
            servers = json.loads(monitor.proxy.QuerySnapshot())["servers"]
            found = [one["tap"] for one in servers if one["state"] == "tapped"]
            return found[0] if found else {}

        monitor.wait(lambda: tap().get("heard", 0) >= 20, "beats on the wire")
        figures = tap()
        assert figures["pushed"] == figures["heard"], "the tap lost nothing"
        assert monitor.value("canaryReceivedEvents")[0] >= 15
        assert monitor.value("canaryLostEvents")[0] == 0
        assert monitor.value("totalMissedEvents") == 0

        with stem(
            tmp_path, "tap", DEVICE, "--seconds", "4", "--json", tango_host=database.tango_host
        ) as command:
            assert command.wait(60.0) == 0
        (stream,) = json.loads(command.lines[-1])["streams"]
        assert stream["stream"].endswith("double_scalar.periodic")
        assert stream["pushed"] == stream["heard"] > 4000 / BEATS_MS / 3
