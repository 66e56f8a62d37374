"""``stem doctor`` on real servers: each fault is named first, and nothing healthy is called broken."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.doctor import LINKS, Diagnosis, Verdict
from tests.needs import old_tango
from tests.system.doctor import devices
from tests.system.doctor.faults import FAULTS, Fault
from tests.system.doctor.ward import Ward, broken_number, environment
from tests.system.doctor.ward import ward as new_ward
from tests.system.event_monitors import event_monitor
from tests.system.stem_process import stem

pytest.importorskip("zmq")

pytestmark = pytest.mark.timeout(180)

KINDS = tuple(devices.KINDS)
EVERY = (
    *((name, "change") for name in ("State", "Status", "memorized", "forwarded")),
    *((f"{way}_{kind}", "change") for way in ("polled", "pushed") for kind in KINDS),
    *((f"polled_{kind}", "periodic") for kind in KINDS),
    *((f"polled_{kind}", event) for kind in ("double", "constant") for event in ("alarm", "archive", "user")),
)
SAMPLE = (
    *(
        (name, "change")
        for name in ("State", "forwarded", "polled_image", "pushed_string", "polled_constant")
    ),
    ("polled_double", "alarm"),
)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with new_ward(tmp_path_factory.mktemp("ward")) as there:
        yield there


def told(diagnosis: Diagnosis) -> str:
    return "\n".join(f"{one.number} {one.link} {one.verdict}: {one.evidence}" for one in diagnosis.links)


def link(diagnosis: Diagnosis, name: str) -> str:
    return next(one.evidence for one in diagnosis.links if one.link == name)


def verdict(diagnosis: Diagnosis, name: str) -> Verdict:
    return next(one.verdict for one in diagnosis.links if one.link == name)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            marks=[
                *([pytest.mark.needs(fault.needs)] if fault.needs else []),
                *([pytest.mark.matrix] if fault.again else []),
            ],
            id=fault.name,
        )
        for fault in FAULTS
    ],
)
def test_the_broken_link_is_named_first(ward: Ward, fault: Fault) -> None:
    diagnosis = fault.inject(ward)
    assert broken_number(diagnosis) == fault.number, told(diagnosis)
    assert tuple(one.link for one in diagnosis.links) == LINKS
    for one in diagnosis.links:
        assert one.evidence
        assert one.advice or one.verdict is not Verdict.BROKEN


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "healthy",
    [pytest.param(SAMPLE, id="sample"), pytest.param(EVERY, id="every", marks=pytest.mark.matrix)],
)
def test_nothing_healthy_is_called_broken(ward: Ward, healthy: tuple[tuple[str, str], ...]) -> None:
    device = ward.sound()
    with environment(TANGO_HOST=ward.database.tango_host), ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda one: ward.diagnose_here(f"{device}/{one[0]}", one[1]), healthy)
        for name, diagnosis in zip(healthy, found, strict=True):
            assert diagnosis.broken is None, f"{name}\n{told(diagnosis)}"
            assert verdict(diagnosis, "subscription") is Verdict.OK


def test_a_healthy_attribute_is_cleared_with_a_heartbeat(ward: Ward) -> None:
    diagnosis = ward.diagnose(f"{ward.patient()}/healthy", wait_seconds=12.0)
    unlike = {one.link: one.verdict for one in diagnosis.links if one.verdict is not Verdict.OK}
    assert unlike == {"subscriber": Verdict.NOT_TESTED}, told(diagnosis)


@pytest.mark.parametrize(
    "attribute",
    [
        "not_polled",
        *(pytest.param(one, marks=pytest.mark.matrix) for one in ("no_criteria", "large_criteria")),
    ],
)
def test_the_remedy_can_be_typed(ward: Ward, attribute: str) -> None:
    process, device = ward.own_patient()
    try:
        first = ward.diagnose(f"{device}/{attribute}")
        assert first.broken is not None
        advice = first.links[first.broken.number - 1].advice
        words = shlex.split(advice[advice.index("python3 -c ") :])
        typed = [sys.executable, *words[1:]]
        variables = {**os.environ, "TANGO_HOST": ward.database.tango_host}
        subprocess.run(typed, env=variables, check=True, timeout=60)
        again = ward.diagnose(f"{device}/{attribute}")
        assert again.broken is None, told(again)
    finally:
        process.stop()


def test_nothing_is_changed(ward: Ward) -> None:
    device = ward.patient()
    proxy = tango.DeviceProxy(f"tango://{ward.database.tango_host}/{device}")

    def state() -> tuple[object, ...]:
        database: Any = ward.database.connection()
        polled = sorted(text.splitlines()[0] for text in proxy.polling_status())
        set_ = [str(one) for one in proxy.get_attribute_config_ex([tango.constants.AllAttr])]
        stored = database.get_device_attribute_property(device, list(proxy.get_attribute_list()))
        properties = list(database.get_device_property_list(device, "*").value_string)
        return polled, set_, stored, properties

    before = state()
    ward.diagnose(f"{device}/healthy")
    ward.diagnose(f"{device}/no_criteria")
    assert state() == before


def test_a_subscriber_that_is_not_subscribed(ward: Ward) -> None:
    diagnosis = ward.diagnose(f"{ward.patient()}/healthy", subscriber=ward.patient())
    assert broken_number(diagnosis) == 19, told(diagnosis)
    assert "none to change events" in link(diagnosis, "subscriber")


@pytest.mark.parametrize("period_seconds", [pytest.param(0.05, marks=pytest.mark.matrix), 0.005])
def test_a_subscriber_that_keeps_up(ward: Ward, period_seconds: float) -> None:
    publisher, subscriber = ward.demo(), ward.demo()
    subscriber.subscriber.subscribe(publisher.publisher)
    publisher.publisher.push_in_background(steps=0, period_seconds=period_seconds)
    name = f"{'/'.join(publisher.publisher.device.split('/')[-3:])}/number"
    diagnosis = ward.diagnose(name, subscriber=subscriber.name)
    publisher.stop()
    subscriber.stop()
    assert diagnosis.broken is None, told(diagnosis)
    assert verdict(diagnosis, "subscriber") is Verdict.OK, told(diagnosis)


def test_a_device_that_is_busy(ward: Ward) -> None:
    process, device = ward.own_patient()
    proxy = tango.DeviceProxy(f"tango://{ward.database.tango_host}/{device}")
    proxy.command_inout_asynch("Block")
    diagnosis = ward.diagnose(f"{device}/healthy")
    process.kill()
    assert broken_number(diagnosis) == 6, told(diagnosis)


def test_an_alias(ward: Ward) -> None:
    device = ward.patient()
    ward.database.connection().put_device_alias(device, "sick")
    assert ward.diagnose("sick/healthy").broken is None
    wrong = ward.diagnose("sikc/healthy")
    assert broken_number(wrong) == 3
    assert "sick" in link(wrong, "name")


def test_two_databases_one_of_which_is_gone(ward: Ward) -> None:
    both = f"127.0.0.1:1,{ward.database.tango_host}"
    diagnosis = ward.diagnose(f"{ward.patient()}/not_polled", tango_host=both)
    assert verdict(diagnosis, "environment") is Verdict.WARNING
    assert broken_number(diagnosis) == 12, told(diagnosis)


def test_a_device_of_another_database(ward: Ward) -> None:
    name = f"tango://{ward.database.tango_host}/{ward.patient()}/healthy"
    assert ward.diagnose(name, tango_host="127.0.0.1:1").broken is None


def test_a_server_without_database(ward: Ward) -> None:
    server = ward.servers.without_database()
    server.publisher.push_in_background(steps=0, period_seconds=0.05)
    whole, mark, rest = server.publisher.device.partition("#")
    diagnosis = ward.diagnose(f"{whole}/number{mark}{rest}", tango_host="")
    server.publisher.stop()
    assert diagnosis.broken is None, told(diagnosis)


def test_an_ipv6_address_in_tango_host(ward: Ward) -> None:
    diagnosis = ward.diagnose("a/b/c/d", tango_host="[::1]:1")
    assert broken_number(diagnosis) == 1
    assert "[::1]:1 refuses" in link(diagnosis, "environment")


@pytest.mark.parametrize(
    "version",
    [pytest.param(one, marks=pytest.mark.needs(f"tango-{one}"), id=one) for one in ("9.5", "10.0")],
)
def test_an_old_server(ward: Ward, version: str) -> None:
    device = ward.old_patient(old_tango(version), version)
    pushed = ward.diagnose(f"{device}/pushed")
    assert pushed.broken is None, told(pushed)
    assert verdict(pushed, "history") is Verdict.NOT_TESTED
    assert verdict(pushed, "wire") is Verdict.OK
    silent = ward.diagnose(f"{device}/silent")
    assert broken_number(silent) == 17, told(silent)
    assert broken_number(ward.diagnose(f"{device}/not_polled")) == 12


def test_the_table_of_a_device(ward: Ward, tmp_path: Path) -> None:
    device = ward.patient()
    with stem(tmp_path, "doctor", device, "--json", tango_host=ward.database.tango_host) as run:
        assert run.wait() == 0, run.errors
        found = json.loads(run.output)
    rows = {row["name"]: row for row in found["attributes"]}
    assert found["device"] == device
    assert rows["healthy"]["polled_seconds"] == 0.2
    assert "change" in rows["healthy"]["events"]
    assert rows["pushed"]["pushed"] is True
    assert rows["not_polled"]["pushed"] is False
    assert rows["archive_only"]["events"] == ["archive"]
    assert "criteria" in rows["no_criteria"]["missing"]
    assert rows["large_criteria"]["criteria"]["change"] == "abs_change 1e+09"


def test_all_devices_the_worst_first(tmp_path: Path) -> None:
    with new_ward(tmp_path) as small:
        small.patient()
        process, frozen = small.own_patient()
        gone, killed = small.own_patient()
        gone.kill()
        os.kill(process.pid, 19)
        with stem(tmp_path, "doctor", "--all", "--json", tango_host=small.database.tango_host) as run:
            assert run.wait() == 1, run.errors
            found = {one["device"]: one for one in json.loads(run.output)["devices"]}
        process.kill()
    assert found[killed]["link"] == 5
    assert found[frozen]["link"] == 6
    assert found[small.patient()]["verdict"] == "warning"
    assert [*found].index(killed) < [*found].index(small.patient())


def test_the_command_line_says_it_in_lines(ward: Ward, tmp_path: Path) -> None:
    name = f"{ward.patient()}/no_criteria"
    with stem(tmp_path, "doctor", name, tango_host=ward.database.tango_host) as run:
        assert run.wait() == 1, run.errors
        lines = run.output.splitlines()
    assert lines[0] == f"{name}, change events"
    assert lines[12].startswith("12 subscription   BROKEN")
    assert lines[-1].startswith("Set one, here 0.1: python3 -c ")


@pytest.mark.parametrize(
    "arguments",
    [("a/b/c/d", "--event", "nothing"), ("a/*/c/d",), ("a/b/c/d", "--all"), (), ("a/b/c/d", "--wait", "0")],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with stem(tmp_path, "doctor", *arguments) as run:
        assert run.wait() == 2, run.output
        assert "stem: " in run.errors


def test_a_panel_asks_the_device(database: EmbeddedDatabase, ward: Ward, tmp_path: Path) -> None:
    name = f"tango://{ward.database.tango_host}/{ward.patient()}/not_polled"
    with event_monitor(database, tmp_path) as monitor:
        first = json.loads(monitor.proxy.Doctor(name))
        assert first["state"] in {"running", "done"}

        def done() -> dict[str, object] | None:
            answer: dict[str, object] = json.loads(monitor.proxy.Doctor(name))
            return answer if answer["state"] == "done" else None

        monitor.wait_polls(3)
        found = wait_until(done, "the diagnosis", limit_seconds=60)
        assert found["broken"] == {"number": 12, "link": "subscription"}
        with pytest.raises(tango.DevFailed, match="STEM_OptionError"):
            monitor.proxy.Doctor('{"attribut": "a/b/c/d"}')


def test_the_list_of_healthy_attributes_is_long() -> None:
    assert len(EVERY) >= 50
    assert len({*itertools.chain(EVERY)}) == len(EVERY)


@pytest.mark.parametrize(
    ("allowed", "number"),
    [
        pytest.param([], 12, id="nothing"),
        pytest.param(["ZmqEventSubscriptionChange"], 20, id="subscribing"),
        pytest.param(
            ["ZmqEventSubscriptionChange", "EventConfirmSubscription"],
            None,
            id="both",
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_access_control(tmp_path: Path, allowed: list[str], number: int | None) -> None:
    with new_ward(tmp_path) as guarded:
        device = guarded.patient()
        connection = guarded.database.connection()
        guarded.servers.start(
            "tests.system.doctor.access",
            "1",
            register=("FakeAccess/1", [("FakeAccess", "sys/access_control/1")]),
            properties={"sys/access_control/1": {"Allowed": allowed}},
        )
        services: Any = {"Services": ["AccessControl/tango:sys/access_control/1"]}
        connection.put_property("CtrlSystem", services)
        diagnosis = guarded.diagnose(f"{device}/healthy")
    assert broken_number(diagnosis) == number, told(diagnosis)


def test_a_server_with_two_addresses(ward: Ward) -> None:
    device = "doctor/two/1"
    extra = ("-ORBendPoint", "giop:tcp:127.0.0.2:0")
    ward.servers.start(
        "tests.system.doctor.devices", "two", *extra, register=("Patient/two", [("Patient", device)])
    )
    diagnosis = ward.diagnose(f"{device}/healthy")
    assert diagnosis.broken is None, told(diagnosis)
