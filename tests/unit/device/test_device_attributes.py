"""The table of attributes: complete, and every value fits its Tango type."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
import tango
from msgspec import structs

from stem_device.device.attributes import ATTRIBUTES, AttributeSpec, reading
from stem_device.device.digest import digest
from stem_device.device.summary import latest_snapshot
from stem_device.device.tango_attributes import readings
from stem_device.device.view import Polled, View
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Failure, ServerState
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import Counts, Snapshot
from stem_device.polling.clients import ClientsHealth
from tests.unit.device.device_builders import (
    Health,
    Recording,
    disconnected,
    server,
    snapshot,
    stream,
    subscription,
)
from tests.unit.made_verdicts import judged

BY_NAME = {spec.name: spec for spec in ATTRIBUTES}
PYTHON = {
    "DevULong64": int,
    "DevDouble": float,
    "DevString": str,
    "DevBoolean": bool,
    "DevLong64": int,
    "DevEnum": int,
}


def view(one: Snapshot | None) -> View:
    return View(
        polled=Polled(
            snapshot=one, verdict=judged(one, one), digest=digest(one), latest="{}", missed_rate=1.5
        )
        if one
        else None,
        recording=Recording(active=True, path="/r/x.h5"),  # type: ignore[arg-type]
        health=Health(1, 2, "E"),  # type: ignore[arg-type]
        outlets=(OutletHealth("marks", 9), OutletHealth("panel", 5, 4, 3, 2, "boom")),
        targets=("sys/*/*",),
        poll_period_seconds=10.0,
        sampling_wanted=True,
        event_errors=3,
        unrecorded_marks=2,
        clients=ClientsHealth(),
        own=OwnProcess(2.5, 65536, 0.75, 0.3, 0.4, 1_000_000_000),
    )


FULL = snapshot(
    server("a", subscription(missed_total=3, overdue=None), streams=(stream(),)),
    server("b", subscription("t2", gaps_total=1), not_connected=(disconnected(),)),
    server("c", state=ServerState.UNREACHABLE, age_seconds=None),
    server("f", followed=True, streams=(stream(),)),
    problems=("p",),
)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(ATTRIBUTES)


@pytest.mark.parametrize("spec", ATTRIBUTES, ids=lambda spec: spec.name)
def test_described(spec: AttributeSpec) -> None:
    assert spec.name[0].islower()
    assert spec.label
    assert spec.unit
    assert spec.doc.endswith(".")
    assert spec.dtype in PYTHON
    assert spec.format or spec.dtype == "DevBoolean"


@pytest.mark.parametrize("spec", ATTRIBUTES, ids=lambda spec: spec.name)
@pytest.mark.parametrize("one", [FULL, snapshot()], ids=["full", "empty"])
def test_values_have_their_type(spec: AttributeSpec, one: Snapshot) -> None:
    value = reading(spec, view(one))
    if value is None:
        assert spec.dtype == "DevDouble" or spec.name == "overdueEvents"
        return
    elements: list[Any] = value if isinstance(value, list) else [value]
    assert isinstance(value, list) == bool(spec.max_length)
    assert len(elements) <= (spec.max_length or 1)
    assert all(type(element) is PYTHON[spec.dtype] for element in elements)
    if spec.dtype == "DevULong64":
        assert all(element >= 0 for element in elements)
    if spec.dtype == "DevString":
        for element in elements:
            element.encode("latin-1")


def test_counts_beyond_the_type_are_shown_as_its_greatest() -> None:
    one = snapshot(server("a", subscription(missed_total=2**70)))
    assert reading(BY_NAME["totalMissedEvents"], view(one)) == 2**64 - 1
    assert reading(BY_NAME["serverMissedEvents"], view(one)) == [2**64 - 1]
    assert reading(BY_NAME["worstMissedEvents"], view(one)) == [2**64 - 1]


def test_without_a_poll_only_what_is_known_is_valid() -> None:
    known = {spec.name for spec in ATTRIBUTES if reading(spec, view(None)) is not None}
    assert known == {
        "performanceMonitoring",
        "recording",
        "recordingPath",
        "recordedPolls",
        "recordedMarks",
        "unrecordedMarks",
        "clientCount",
        "refusedClientReports",
        "lastClientRefusal",
        "metricPoints",
        "metricPointsRejected",
        "metricSeries",
        "metricAttributeErrors",
        "metricRejection",
        "extraAttributeErrors",
        "canaryNames",
        "canaryEvents",
        "canaryProblems",
        "canaryProducedEvents",
        "canaryReceivedEvents",
        "canaryLostEvents",
        "canaryInFlightEvents",
        "canaryRoundTrips",
        "canaryLatencies",
        "canaryAges",
        "silentPublishers",
        "recordedBytes",
        "recordingError",
        "pollPeriod",
        "targets",
        "httpUrl",
        "outletNames",
        "outletSent",
        "outletDropped",
        "outletFailed",
        "outletWaiting",
        "outletErrors",
        "pollThreadRestarts",
        "consumerErrors",
        "eventPushErrors",
        "lastMonitorError",
    }


def test_without_a_view_nothing_is_valid() -> None:
    assert {str(one.quality) for one in readings(None).values()} == {"ATTR_INVALID"}


def test_a_quantile_of_no_samples_is_invalid() -> None:
    assert math.isnan(FULL.timings.latency_p99_seconds)
    assert reading(BY_NAME["latencyP99"], view(FULL)) is None
    assert reading(BY_NAME["sampleCoverage"], view(FULL)) is None


@pytest.mark.parametrize(
    ("counts", "total", "of_server"),
    [
        (Counts(overdue_unknown=2), None, -1),
        (Counts(overdue_unknown=2, overdue=5), 5, 5),
        (Counts(), 0, 0),
    ],
    ids=["unknown", "known of some", "known"],
)
def test_overdue_that_is_not_known_is_never_0(counts: Counts, total: int | None, of_server: int) -> None:
    own = structs.replace(server("a"), counts=counts)
    one = dataclasses.replace(snapshot(own, server("never", age_seconds=None)), counts=counts)
    seen = view(one)
    assert reading(BY_NAME["overdueEvents"], seen) == total
    assert reading(BY_NAME["serverOverdueEvents"], seen) == [of_server, -1]
    valid = tango.AttrQuality.ATTR_INVALID if total is None else tango.AttrQuality.ATTR_VALID
    assert readings(seen)["overdueEvents"].quality == valid
    told = json.loads(latest_snapshot(one, digest(one)))
    assert told["totals"]["overdue"] == total
    assert [row["totals"]["overdue"] for row in told["servers"]] == [total, None]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("totalMissedEvents", 3),
        ("disconnectedSubscriptions", 1),
        ("serverCount", 3),
        ("monitoredServers", 2),
        ("unreachableServers", 1),
        ("failingServers", 0),
        ("streamCount", 1),
        ("subscriptionCount", 2),
        ("serverNames", ["a", "b", "c"]),
        ("serverStates", ["monitored", "monitored", "unreachable"]),
        ("serverAges", [0.0, 0.0, -1.0]),
        ("serverMissedEvents", [3, 0, 0]),
        ("serverOverdueEvents", [0, 0, -1]),
        ("worstSubscriptions", ["a/b/c/x.idl5_change at a", "t2 at b"]),
        ("worstMissedEvents", [3, 0]),
        ("worstUnaccountedEvents", [0, 0]),
        ("worstOverdueEvents", [-1, 0]),
        ("worstCauses", ["", ""]),
        ("worstSubscription", "3 missed: a/b/c/x.idl5_change at a"),
        ("worstCause", ""),
        ("followedServers", 1),
        ("verdict", 2),
        ("missedRate", 1.5),
        ("recentMissedEvents", 0),
        ("lastPollTimeText", "2023-11-14T22:13:20.000Z"),
        ("worstGaps", [0, 1]),
        ("problems", ["p"]),
        ("lastPollTime", 1_700_000_000.0),
        ("monitoringSince", "2023-11-14T22:13:20.000Z"),
        ("eventPushErrors", 3),
        ("outletNames", ["marks", "panel"]),
        ("outletSent", [9, 5]),
        ("outletDropped", [0, 4]),
        ("outletFailed", [0, 3]),
        ("outletWaiting", [0, 2]),
        ("outletErrors", ["", "boom"]),
        ("recordingPath", "/r/x.h5"),
    ],
)
def test_values(name: str, value: object) -> None:
    assert reading(BY_NAME[name], view(FULL)) == value


def test_parallel_spectra_are_parallel() -> None:
    by_server = [spec for spec in ATTRIBUTES if spec.name.startswith("server") and spec.max_length]
    by_worst = [spec for spec in ATTRIBUTES if spec.name.startswith("worst")]
    for group in (by_server, by_worst):
        values = [reading(spec, view(FULL)) for spec in group]
        assert len({len(value) for value in values if isinstance(value, list)}) == 1


LOSSY = subscription(missed_total=3, missed_delta=3, unaccounted_total=2, unaccounted_delta=2)
DEAD = server("p", state=ServerState.UNREACHABLE, failure=Failure.REFUSED)
WARNING, ALARM = tango.AttrQuality.ATTR_WARNING, tango.AttrQuality.ATTR_ALARM


@pytest.mark.parametrize(
    ("one", "beyond"),
    [
        (snapshot(server("a", subscription())), {}),
        (
            snapshot(server("a", LOSSY)),
            dict.fromkeys(
                (
                    "totalMissedEvents",
                    "totalUnaccountedEvents",
                    "recentMissedEvents",
                    "verdict",
                    "verdictText",
                ),
                ALARM,
            ),
        ),
        (
            snapshot(server("a", subscription(overdue=4))),
            dict.fromkeys(("overdueEvents", "verdict", "verdictText"), WARNING),
        ),
        (
            snapshot(server("a", subscription(), not_connected=(disconnected(),))),
            dict.fromkeys(("disconnectedSubscriptions", "verdict", "verdictText"), WARNING),
        ),
        (
            snapshot(server("a", subscription()), DEAD),
            dict.fromkeys(("unreachableServers", "verdict", "verdictText"), WARNING),
        ),
        (
            snapshot(server("a", subscription()), server("p", state=ServerState.FAILING)),
            dict.fromkeys(("failingServers", "verdict", "verdictText"), WARNING),
        ),
        (
            snapshot(server("a", subscription(publisher="p")), structs.replace(DEAD, followed=True)),
            dict.fromkeys(("followedServers", "verdict", "verdictText"), WARNING),
        ),
    ],
)
def test_qualities_are_beyond_valid_while_the_verdict_rests_on_them(
    one: Snapshot, beyond: dict[str, tango.AttrQuality]
) -> None:
    found = {
        name: shown.quality
        for name, shown in readings(view(one)).items()
        if shown.quality in {WARNING, ALARM}
    }
    assert found == beyond


def test_a_lag_that_is_not_known_is_no_change_at_every_poll() -> None:
    one = snapshot(server("a", subscription(missed_total=1)))
    name = "worstLagSeconds"
    assert readings(view(one))[name] == readings(view(one))[name]
