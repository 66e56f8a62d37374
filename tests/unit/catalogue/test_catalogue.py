"""The catalogue: complete, honest, and the same as attributes and JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from stem_device.catalogue import (
    QUANTITIES,
    Accumulation,
    Details,
    Kind,
    MonitorState,
    Number,
    PerRow,
    PollSeries,
    Scope,
    Series,
    Spread,
    numbers_of,
    series_of,
)
from stem_device.catalogue.reference import reference
from stem_device.catalogue.scope import MAX_SUBSCRIPTIONS, device_and_name
from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.device.attributes import ATTRIBUTES, reading
from stem_device.device.digest import digest
from stem_device.device.view import Polled, View
from stem_device.model.rows import StandingSubscriptions, SteadySubscriptionRows
from stem_device.model.snapshot import Counts, Snapshot
from stem_device.monitor import MonitorHealth
from stem_device.polling.clients import ClientsHealth
from stem_device.recording import RecordingStatus
from tests.unit.full_snapshots import COUNTS, FAST, FINE, FULL, LOST, OWN, SLOW, STATE
from tests.unit.made_snapshots import server, snapshot, subscription
from tests.unit.made_verdicts import judged

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def by_name(
    one: Snapshot, state: MonitorState | None = STATE, details: Details = Details.ALL
) -> dict[str, Any]:
    """Points by name of the quantity, as dictionaries from the values of the labels."""
    return {made.quantity.name: dict(made.points) for made in series_of(one, state, details)}


def numbers(one: Snapshot, details: Details = Details.LOSING) -> list[Number]:
    return [number for made in series_of(one, STATE, details) for number in numbers_of(made)]


def test_every_quantity_has_a_value_here() -> None:
    assert {quantity.name for quantity in QUANTITIES} - by_name(FULL).keys() == {
        "latency_p99_seconds",  # not a number in this Snapshot
        "processing_p99_seconds",
        "latency_seconds",
    }


def test_names_and_meanings() -> None:
    assert len({quantity.metric for quantity in QUANTITIES}) == len(QUANTITIES)
    for quantity in QUANTITIES:
        assert re.fullmatch("[a-z]+[a-z0-9]*(_[a-z0-9]+)*", quantity.name)
        assert quantity.meaning[0].isupper() or quantity.meaning[0].isdigit()
        assert quantity.meaning.endswith(".")
        assert (quantity.unit == "s") == quantity.name.endswith("_seconds")
        assert (quantity.unit == "bytes") == quantity.name.endswith("_bytes")
        assert not quantity.name.endswith(("_total", "_count", "_sum", "_bucket", "_info"))
        assert bool(quantity.states) == (quantity.kind is Kind.STATE_SET)
        assert bool(quantity.bounds) == (quantity.kind is Kind.HISTOGRAM)


@pytest.mark.parametrize("details", Details)
def test_no_two_series_are_the_same(details: Details) -> None:
    twice = structs.replace(LOST, topic="tango://h:1/a/b/c/x.idl6_change", missed_total=2, overdue=None)
    one = replace(FULL, servers=(server("dserver/slow/1", LOST, twice), *FULL.servers[1:]))
    found = [(number.metric, tuple(number.labels.items())) for number in numbers(one, details)]
    assert len(found) == len(set(found))
    both = by_name(one, details=details)["subscription_events_missed"]
    assert list(both.values()) == [35]
    assert "subscription_events_overdue" not in by_name(one, details=details)


def test_one_value_a_kind() -> None:
    for made in series_of(FULL, STATE, Details.ALL):
        for labels, value in made.points:
            assert len(labels) == len(made.quantity.labels)
            expected = {Kind.STATE_SET: str, Kind.HISTOGRAM: Spread}.get(made.quantity.kind, int | float)
            assert isinstance(value, expected)
            assert not isinstance(value, bool)
            if made.quantity.kind is Kind.STATE_SET:
                assert value in made.quantity.states


def view(one: Snapshot) -> View:
    return View(
        polled=Polled(snapshot=one, verdict=judged(one), digest=digest(one), latest="{}", missed_rate=1.5),
        recording=RecordingStatus(active=True, polls=21, marks=22, bytes=4096),
        health=MonitorHealth(thread_restarts=24, consumer_errors=25),
        outlets=one.outlets,
        targets=("a", "b", "c"),
        poll_period_seconds=2.0,
        sampling_wanted=True,
        event_errors=0,
        unrecorded_marks=23,
        clients=ClientsHealth(clients=26, refused=27),
        own=OWN,
    )


OTHER_WORDS = {
    # The attribute says -1 where the catalogue has no value.
    "server_age_seconds": -1.0,
    "subscriber_events_overdue": -1,
}
ENUM = ("clear", "unknown", "waiting", "lost")


def shown_by_attribute(name: str, one: Snapshot) -> Any:
    value = reading(next(spec for spec in ATTRIBUTES if spec.name == name), view(one))
    return ENUM[value] if name == "verdict" and isinstance(value, int) else value


@pytest.mark.parametrize("quantity", [one for one in QUANTITIES if one.attribute], ids=lambda one: one.name)
def test_attributes_say_the_same(quantity: Any) -> None:
    spec = next(spec for spec in ATTRIBUTES if spec.name == quantity.attribute)
    assert quantity.unit in {spec.unit, "level", "state"}
    told, shown = by_name(FULL).get(quantity.name, {}), shown_by_attribute(spec.name, FULL)
    if quantity.scope is Scope.MONITOR:
        assert told.get(()) == shown
    elif quantity.scope is Scope.OUTLET:
        assert [*told.values()] == shown
    else:
        names = [one.name for one in digest(FULL).servers]
        unknown = OTHER_WORDS.get(quantity.name, 0)
        assert [told.get((name,), unknown) for name in names] == shown


NOT_IN_THE_CATALOGUE = {
    "metricRejection", "extraAttributeErrors", "metricAttributeErrors",
    # Texts, and what is made of names.
    "verdictText", "worstSubscription", "worstCause", "lastPollTimeText", "monitoringSince", "targets",
    "problems", "lastMonitorError", "latestSnapshot", "recordingPath", "recordingError", "outletNames",
    "lastClientRefusal",
    # Of each canary there are series with labels.
    "canaryNames", "canaryEvents", "canaryProblems", "canaryProducedEvents", "canaryReceivedEvents",
    "canaryLostEvents", "canaryInFlightEvents", "canaryRoundTrips", "canaryLatencies", "canaryAges",
    "silentPublishers",
    "outletErrors", "httpUrl", "serverNames", "serverReasons", "serverTangoVersions", "phaseNames",
    # Of the servers by state, of the phases and of the worst subscriptions there are series with labels.
    "serverCount", "monitoredServers", "unreachableServers", "failingServers", "notExportedServers",
    "unsupportedServers", "tappedServers", "phaseSeconds", "worstSubscriptions", "worstMissedEvents",
    "worstUnaccountedEvents", "worstOverdueEvents", "worstLagSeconds", "worstCauses", "worstGaps",
    "worstReceivedEvents",
    # What the device leaves out of its own attributes, and the events that it pushes itself.
    "serversNotShown", "subscriptionsNotShown", "eventPushErrors",
    # rate(stem_events_missed_total) is that.
    "missedRate", "serverCounterResets",
}  # fmt: skip


def test_every_attribute_has_a_quantity_or_a_reason() -> None:
    told = {quantity.attribute for quantity in QUANTITIES if quantity.attribute}
    assert told | NOT_IN_THE_CATALOGUE == {spec.name for spec in ATTRIBUTES}
    assert not told & NOT_IN_THE_CATALOGUE


def in_json(quantity: Any, labels: tuple[str, ...], document: dict[str, Any]) -> Any:
    """What QuerySnapshot has for these labels."""
    found: Any = document
    named = dict(zip(quantity.labels, labels, strict=True))
    if quantity.scope is not Scope.MONITOR:
        name = named.get("subscriber") or named.get("publisher") or named["server"]
        found = next(one for one in document["servers"] if one["name"] == name)
    if quantity.scope is Scope.STREAM:
        found = next(one for one in found["streams"] if one["name"] == named["stream"])
    if quantity.scope is Scope.SUBSCRIPTION:
        found = next(one for one in found["subscriptions"] if one["stream"] == named["stream"])
    for key in quantity.json.split("."):
        found = found[key]
    return found


@pytest.mark.parametrize("quantity", [one for one in QUANTITIES if one.json], ids=lambda one: one.name)
def test_json_says_the_same(quantity: Any) -> None:
    document = json.loads(full_snapshot(FULL))
    for labels, value in by_name(FULL).get(quantity.name, {}).items():
        assert in_json(quantity, labels, document) == value


def test_what_is_not_known_has_no_value() -> None:
    told = by_name(FULL)
    fine = ("dserver/slow/1", "dserver/fast/1", FINE.stream, "a/b/c", "y")
    assert fine in told["subscription_events_received"]
    assert fine not in told["subscription_events_overdue"]
    assert fine not in told["subscription_lag_seconds"]
    assert ("dserver/never/1",) not in told["subscriber_events_missed"]
    assert ("dserver/never/1",) not in told["publisher_events_published"]
    assert ("dserver/never/1",) not in told["server_age_seconds"]
    assert ("publish",) not in told["poll_phase_seconds"]
    unknown = replace(FULL, counts=structs.replace(COUNTS, overdue=0))
    assert "events_overdue" not in by_name(unknown)
    assert "recording" not in by_name(FULL, None)
    assert "events_lost_recently" not in by_name(FULL, None)
    assert not [number for number in numbers(FULL) if math.isnan(number.value)]


def test_zero_is_told_where_it_is_known() -> None:
    quiet = by_name(snapshot(server("dserver/slow/1", FINE), counts=Counts()))
    assert quiet["events_missed"] == {(): 0}
    assert quiet["events_overdue"] == {(): 0}
    assert quiet["subscriber_events_missed"] == {("dserver/slow/1",): 0}
    assert quiet["servers"][("unreachable",)] == 0


def test_only_those_that_lose_or_wait_one_by_one() -> None:
    told = by_name(FULL, details=Details.LOSING)
    lost = ("dserver/slow/1", "dserver/fast/1", LOST.stream, "a/b/c", "x")
    assert told["subscription_events_missed"] == {lost: 33}
    assert told["stream_events_published"] == {lost[1:]: 700}  # joins by publisher and stream
    assert told["subscription_cause"] == {(*lost, "burst", "true", "recovering"): 1}
    assert len(by_name(FULL)["subscription_events_missed"]) == 2
    assert len(by_name(FULL)["stream_events_published"]) == 2


def test_no_more_than_the_worst_of_them() -> None:
    rows = [
        subscription(f"a/b/c/n{number}.idl5_change", missed_total=1 + number)
        for number in range(MAX_SUBSCRIPTIONS + 3)
    ]
    told = by_name(snapshot(server("s", *rows)), details=Details.LOSING)
    missed = told["subscription_events_missed"].values()
    assert (len(missed), min(missed)) == (MAX_SUBSCRIPTIONS, 4)
    assert told["subscriptions_not_shown"] == {(): 3}


def test_servers_that_are_gone_have_no_series_and_sums_keep_them() -> None:
    after = replace(FULL, servers=FULL.servers[1:])
    assert not [number for number in numbers(after) if "dserver/slow/1" in number.labels.values()]
    assert by_name(after)["events_missed"] == {(): 33}


def test_marks_are_told_with_their_own_time() -> None:
    assert by_name(FULL)["mark_timestamp_seconds"] == {("scan", "begin"): 1.5}
    assert "mark_timestamp_seconds" not in by_name(FULL, None)


def test_listeners() -> None:
    assert by_name(FULL)["server_listeners"] == {
        ("dserver/slow/1",): 0,
        ("dserver/fast/1",): 2,
        ("dserver/never/1",): 0,
        ("dserver/followed/1",): 0,
    }


def sampled(latencies: list[float], discarded: int = 0) -> Snapshot:
    made = snapshot(SLOW, FAST, sampled=len(latencies))
    samples = replace(
        made.subscriber_samples,
        first_callback_latency_micros=np.array(latencies),
        process_micros=np.full(len(latencies), 100),
        discarded=np.arange(len(latencies)) < discarded,
    )
    return replace(made, subscriber_samples=samples)


def spread_of(made: tuple[Series, ...], name: str) -> Any:
    return next((dict(one.points) for one in made if one.quantity.name == name), {})


def test_histograms_have_every_sample_in_its_bucket() -> None:
    made = series_of(sampled([50.0, 100.0, 101.0, 99e6, math.nan]))
    spread = spread_of(made, "latency_seconds")[("dserver/slow/1",)]
    counts = dict(zip((*spread.bounds, math.inf), spread.counts, strict=True))
    assert {bound: count for bound, count in counts.items() if count} == {1e-4: 2, 2.5e-4: 1, math.inf: 1}
    assert spread.total == pytest.approx(99.000251)
    found = {one.labels["le"]: one.value for one in numbers_of(made[-1]) if "le" in one.labels}
    assert not found  # the last series is no histogram


def test_a_histogram_as_numbers_is_cumulative() -> None:
    made = series_of(sampled([50.0, 101.0]))
    series = next(one for one in made if one.quantity.name == "latency_seconds")
    found = {(one.metric, one.labels.get("le")): one.value for one in numbers_of(series)}
    assert found[("stem_latency_seconds_bucket", "0.0001")] == 1
    assert found[("stem_latency_seconds_bucket", "0.00025")] == 2
    assert found[("stem_latency_seconds_bucket", "+Inf")] == 2
    assert found[("stem_latency_seconds_count", None)] == 2
    assert found[("stem_latency_seconds_sum", None)] == pytest.approx(151e-6)


def test_discarded_events_took_no_time() -> None:
    made = series_of(sampled([50.0, 60.0, 70.0], discarded=2))
    assert spread_of(made, "processing_seconds")[("dserver/slow/1",)].count == 1
    assert spread_of(made, "latency_seconds")[("dserver/slow/1",)].count == 1


def test_histograms_add_up_and_go_with_their_server() -> None:
    total, one = Accumulation(), sampled([50.0, 60.0])
    total.add(one, series_of(one))
    quiet = sampled([])
    made = total.add(quiet, series_of(quiet))
    assert spread_of(made, "latency_seconds")[("dserver/slow/1",)].count == 2
    backwards = sampled([-5.0])
    made = total.add(backwards, series_of(backwards))
    spread = spread_of(made, "latency_seconds")[("dserver/slow/1",)]
    assert (spread.count, spread.counts[0], spread.total) == (3, 1, None)
    assert [series.quantity.name for series in made] == [
        quantity.name for quantity in QUANTITIES if quantity.name in {one.quantity.name for one in made}
    ]
    gone = replace(quiet, servers=quiet.servers[1:])
    assert spread_of(total.add(gone, series_of(gone)), "latency_seconds") == {}
    assert spread_of(total.add(quiet, series_of(quiet)), "latency_seconds") == {}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("tango://h:10000/sys/tg_test/1/double_scalar.change", ("sys/tg_test/1", "double_scalar")),
        ("tango://h:0/dev/a/b/attr#dbase=no.change", ("dev/a/b", "attr")),
        ("sys/tg_test/1/x.y.archive", ("sys/tg_test/1", "x.y")),
        ("tango://h:1/sys/tg_test/1.intr_change", ("sys/tg_test/1", "")),
        ("(others)", ("", "")),
        ("", ("", "")),
    ],
)
def test_device_and_name(name: str, parts: tuple[str, str]) -> None:
    assert device_and_name(name) == parts


def test_the_reference_is_current() -> None:
    page = PAGE.read_text()
    renew = "renew it: python -m stem_device.catalogue.reference"
    assert page.rpartition("-->\n")[2].strip() == reference().strip(), renew


class _Untouched(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("no record is to be made")


def test_no_record_is_made_of_what_simply_goes_on() -> None:
    rows = tuple(subscription(f"a/b/c/x{number}.idl5_change", lag_seconds=0.0) for number in range(3))
    steady = SteadySubscriptionRows(StandingSubscriptions(rows, live=3), _Untouched(), _Untouched())
    one = snapshot(structs.replace(server("s"), subscriptions=steady), counts=Counts())
    told = by_name(one, details=Details.LOSING)
    assert told["subscriptions"] == {(): 3}
    assert told["subscriber_lag_seconds"] == {("s",): 0.0}
    assert "subscription_events_received" not in told
    with pytest.raises(AssertionError, match="no record"):
        by_name(one, details=Details.ALL)


def test_what_is_made_of_a_row_is_made_once_and_goes_with_it() -> None:
    made: list[str] = []

    def upper(key: str) -> str:
        made.append(key)
        return key.upper()

    rows: PerRow[str, str] = PerRow(upper)
    for poll in range(50):
        rows.begin_poll()
        assert rows["stays"] == rows["stays"] == "STAYS"
        assert rows[f"comes and goes {poll}"] == f"COMES AND GOES {poll}"
    assert made.count("stays") == 1
    assert len(rows) <= 3


def test_the_series_of_a_poll_are_made_once_for_all_exporters() -> None:
    asked: list[int] = []
    shared = PollSeries(lambda: asked.append(1))
    first, second = (snapshot(server("dserver/a/1"), seconds=seconds) for seconds in (0, 1))
    assert shared(first) is shared(first)
    assert shared(first, Details.ALL) is shared(first, Details.ALL)
    assert len(asked) == 1
    assert shared(second) == series_of(second)
    assert shared(first) == series_of(first), "of one that lags behind"
    assert shared(second) is shared(second)
    assert len(asked) == 3


def test_labels_can_be_sent_anywhere() -> None:
    row = subscription("a/b/\ud800/\u00e4.idl5_change", missed_total=1)
    one = snapshot(server("dserver/\udce4/1", row))
    assert json.loads(full_snapshot(one))["servers"][0]["name"] == "dserver/\udce4/1"
    made = series_of(one, None, Details.ALL)
    labels = {text for one in made for labels, _ in one.points for text in labels}
    assert {"dserver/\ufffd/1", "a/b/\ufffd"} <= labels
    assert all(text.encode() for text in labels if text)
