"""Metrics by OTLP: numbers exactly, since when, under whose name; and a collector that misbehaves."""

from __future__ import annotations

import socket
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit import made_snapshots as made
from tests.unit.http_stub import HOSTILE, HttpStub, answer, http_stub
from tests.unit.tls_stub import certificate, tls_stub

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from stem_device.catalogue import Accumulation, Kind, PollSeries, Spread, numbers_of, series_of
from stem_device.errors import OptionError, SendError
from stem_device.model.options import Options
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.snapshot import Counts, MetricRows, MetricSeries, Snapshot
from stem_device.otlp import Who, metrics_to_otlp
from tests.unit.otlp.otlp_stub import Collector, attributes, number, points

pytestmark = pytest.mark.extras

SECOND = made.SECOND
WHO = Who("tango://db:10000/sys/eventmon/1", "EventMonitor/1")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def server(collector: Collector) -> Iterator[HttpStub]:
    with http_stub(collector) as stub:
        yield stub


def exporter(endpoint: str, who: Who = WHO) -> Any:
    made_one = metrics_to_otlp(Options(otlp_endpoint=endpoint), who, PollSeries())
    assert made_one is not None
    return made_one


def lossy(seconds: float = 0.0, missed: int = 3, **changes: Any) -> Snapshot:
    row = made.subscription(missed_total=missed, overdue=2, cause="burst", **changes)
    return replace(
        made.snapshot(
            made.server("dserver/slow/1", row), made.server("dserver/fast/1"), seconds=seconds, sampled=4
        ),
        verdict="lost",
    )


def test_every_number_of_the_catalogue_arrives_exactly(collector: Collector, server: HttpStub) -> None:
    one, accumulation = exporter(server.url), Accumulation()
    for seconds in range(3):
        snapshot = lossy(seconds)
        one.take(snapshot)
        series = accumulation.add(snapshot, series_of(snapshot))
    assert [request.path for request in collector.requests] == ["/v1/metrics"] * 3
    metrics = collector.metrics()
    assert list(metrics) == [each.quantity.metric for each in series]
    for each in series:
        metric = metrics[each.quantity.metric]
        assert metric.description == each.quantity.meaning
        told = {tuple(attributes(point.attributes).items()): point for point in points(metric)}
        assert all(point.time_unix_nano == snapshot.time_utc_ns for point in told.values())
        if each.quantity.kind is Kind.HISTOGRAM:
            assert metric.histogram.aggregation_temporality == 2, "cumulative"
            for labels, value in each.points:
                assert isinstance(value, Spread)
                point = told[tuple(zip(each.quantity.labels, labels, strict=True))]
                assert tuple(point.bucket_counts) == value.counts
                assert tuple(point.explicit_bounds) == value.bounds
                assert point.count == value.count == 12
                assert point.HasField("sum") == (value.total is not None)
            continue
        wanted = {tuple(row.labels.items()): row.value for row in numbers_of(each)}
        assert {labels: number(point) for labels, point in told.items()} == wanted
        if each.quantity.kind is Kind.COUNTER:
            assert (metric.sum.is_monotonic, metric.sum.aggregation_temporality) == (True, 2)
        else:
            assert metric.WhichOneof("data") == "gauge"


def test_units_are_those_of_ucum(collector: Collector, server: HttpStub) -> None:
    exporter(server.url).take(lossy())
    units = {name: metric.unit for name, metric in collector.metrics().items()}
    assert units["stem_poll_duration_seconds"] == "s"
    assert units["stem_events_missed_total"] == "{events}"
    assert units["stem_events_published_per_second"] == "{event}/s"
    assert units["stem_sample_coverage_ratio"] == "1"


def test_what_is_not_known_has_no_point_and_what_is_gone_no_series(
    collector: Collector, server: HttpStub
) -> None:
    one = exporter(server.url)
    one.take(lossy(0))
    assert {"stem_events_overdue", "stem_subscription_events_missed_total"} <= set(collector.metrics())
    one.take(made.snapshot(made.server("dserver/fast/1"), seconds=1, counts=Counts(overdue_unknown=1)))
    assert not {"stem_events_overdue", "stem_subscription_events_missed_total"} & set(collector.metrics())
    labels = {
        value
        for metric in collector.metrics().values()
        for point in points(metric)
        for value in attributes(point.attributes).values()
    }
    assert "dserver/fast/1" in labels
    assert "dserver/slow/1" not in labels


def test_names_that_utf8_cannot_hold_are_sent_as_far_as_it_can(
    collector: Collector, server: HttpStub
) -> None:
    row = made.subscription("a/b/\ud800/\u00e4.idl5_change", missed_total=1)
    exporter(server.url).take(made.snapshot(made.server("dserver/\udce4/1", row)))
    (point,) = points(collector.metrics()["stem_subscription_events_missed_total"])
    labels = attributes(point.attributes)
    assert (labels["subscriber"], labels["stream"]) == ("dserver/\ufffd/1", "a/b/\ufffd/\u00e4.change")


def start(collector: Collector, name: str, labels: str = "") -> float:
    """Seconds after the first moment."""
    for point in points(collector.metrics()[name]):
        if not labels or labels in attributes(point.attributes).values():
            return (point.start_time_unix_nano - made.BEGIN_UTC_NS) / SECOND
    raise AssertionError(labels)


def test_totals_tell_since_when_they_count(collector: Collector, server: HttpStub) -> None:
    one = exporter(server.url)
    total, of_server = "stem_events_missed_total", "stem_subscription_events_missed_total"
    one.take(lossy(10))
    assert start(collector, total) == start(collector, of_server) == 0, "when monitoring began"
    one.take(made.snapshot(made.server("dserver/b/1"), seconds=20))
    one.take(lossy(30, missed=1))
    assert start(collector, of_server, "dserver/slow/1") == 20, "it is back, and began after the last poll"
    assert start(collector, total) == 10, "the sum fell at 20, as none should: it began anew after 10"
    reset = replace(lossy(40), monitoring_since_utc_ns=made.BEGIN_UTC_NS + 35 * SECOND)
    one.take(reset)
    assert start(collector, total) == start(collector, of_server) == 35, "ResetCounters"


def test_a_recording_that_begins_anew_has_a_new_start(collector: Collector, server: HttpStub) -> None:
    one, name = exporter(server.url), "stem_outlet_sent_total"
    for seconds, sent in ((10, 5), (20, 9), (30, 1), (40, 2)):
        one.take(replace(lossy(seconds), outlets=(OutletHealth("recording", sent=sent),)))
    assert start(collector, name, "recording") == 20


def test_the_resource_is_that_of_the_traces(
    collector: Collector, server: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter(server.url).take(lossy())
    resource = collector.resource()
    wanted = {
        "service.namespace": "tango",
        "service.name": "EventMonitor",
        "service.instance.id": "sys/eventmon/1",
        "tango.server.name": "EventMonitor/1",
        "tango.host": "db:10000",
        "tango.process.kind": "server",
    }
    assert {name: resource[name] for name in wanted} == wanted
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=lab,deployment=night")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    exporter(server.url).take(lossy())
    resource = collector.resource()
    own = [resource[name] for name in ("service.namespace", "deployment", "service.name")]
    assert own == ["lab", "night", "mine"]
    assert resource["tango.server.name"] == "EventMonitor/1"


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_the_environment_is_respected(
    compression: str, collector: Collector, server: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-other=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    exporter("environment").take(lossy())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{server.url}/elsewhere")
    exporter("environment").take(lossy())
    assert [request.path for request in collector.requests] == ["/v1/metrics", "/elsewhere"]
    headers = collector.requests[0].headers
    assert (headers["authorization"], headers["x-other"]) == ("Bearer abc", "1")
    assert headers["content-encoding"] == compression
    exporter(f"{server.url}/v1/metrics").take(lossy())
    exporter(f"{server.url}/base/").take(lossy())
    assert [request.path for request in collector.requests[2:]] == ["/v1/metrics", "/base/v1/metrics"]


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none")]
)
def test_the_environment_may_switch_it_off(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert metrics_to_otlp(Options(otlp_endpoint="http://x:1"), WHO, PollSeries()) is None


def test_it_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x:1")
    assert metrics_to_otlp(Options(), WHO, PollSeries()) is None


@pytest.mark.parametrize("endpoint", ["http://me:password-7@x:1", "x:1", "grpc://x:1", ""])
def test_addresses_that_cannot_be_used_are_refused(endpoint: str) -> None:
    with pytest.raises(OptionError, match="OtlpEndpoint") as error:
        Options(otlp_endpoint=endpoint)
    assert "password-7" not in str(error.value)


REFUSALS = {
    401: "authentication failed (401)",
    403: "authentication failed (403)",
    404: "no collector takes metrics at",
    429: "it answers 429",
    503: "it answers 503",
    500: "it answers 500",
    400: "it answers 400",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_what_is_refused_is_told(status: int) -> None:
    with http_stub(lambda _: answer(status, b"because", "text/plain")) as server:
        one = exporter(server.url)
        with pytest.raises(SendError, match=REFUSALS[status].replace("(", r"\(").replace(")", r"\)")):
            one.take(lossy())
        one.close()


def test_points_that_are_refused_are_told(collector: Collector, server: HttpStub) -> None:
    collector.rejected = 7
    with pytest.raises(SendError, match="7 points were refused: no room"):
        exporter(server.url).take(lossy())


def test_a_page_is_no_collector() -> None:
    with (
        http_stub(lambda _: answer(200, b"<html>log in</html>", "text/html")) as server,
        pytest.raises(SendError, match="not as a collector does"),
    ):
        exporter(server.url).take(lossy())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_collector_costs_little_time_and_no_memory(name: str) -> None:
    with http_stub(HOSTILE[name]) as server:
        one = exporter(server.url)
        with pytest.raises(SendError):
            one.take(lossy(0))
        tracemalloc.start()
        begin = time.monotonic()
        with pytest.raises(SendError) as error:
            one.take(lossy(1))
        seconds, peak = time.monotonic() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seconds < 5, "the time-out is 1 s for all of it"
        assert peak < 100_000_000
        if name == "redirect":
            assert "redirects (307)" in str(error.value)
            assert len(server.requests) == 2, "it is not followed"
        one.ending()
        one.close()


def test_by_tls_it_is_the_same(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().openssl_cafile)
    with tls_stub(collector, files) as server:
        with pytest.raises(SendError, match="cannot be spoken to by TLS"):
            exporter(server.url).take(lossy())
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(files[0]))
        one = exporter(server.url)
        one.take(lossy(0))
        one.take(lossy(1))
    assert len(collector.exports) == 2
    with (
        tls_stub(HOSTILE["slow"], files) as server,
        pytest.raises(SendError, match="does not answer in time"),
    ):
        exporter(server.url).take(lossy())


def test_at_the_end_it_is_told_why_a_collector_was_not_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # and does not listen
        one = exporter(f"http://127.0.0.1:{probe.getsockname()[1]}")
        for ended in (False, True):
            if ended:
                one.ending()
            with pytest.raises(SendError, match=r"cannot be reached.*refused"):
                one.take(lossy())
        one.close()


def test_the_end_waits_for_no_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    import threading

    with http_stub(HOSTILE["silent"]) as server:
        one = exporter(server.url)
        threading.Timer(0.5, one.ending).start()
        begin = time.monotonic()
        with pytest.raises(SendError):
            one.take(lossy())
        one.close()
        assert time.monotonic() - begin < 10


def users(points: int) -> Snapshot:
    """So many points of one series, and a series that is quiet."""
    series = (MetricSeries("quiet"), MetricSeries("user/load", (("gpu", "0"),), "rack-1", "11"))
    at, value = np.arange(points) + 7, np.arange(points) / 2
    latest = np.array([3, at[-1]]), np.array([0.25, value[-1]])
    return replace(lossy(), metrics=MetricRows(series, np.ones(points, np.int64), at, value, *latest))


def test_points_of_users_have_their_own_time(collector: Collector, server: HttpStub) -> None:
    exporter(server.url).take(users(3))
    found = {
        name: [(attributes(one.attributes), one.time_unix_nano, number(one)) for one in points(metric)]
        for name, metric in collector.metrics().items()
        if not name.startswith("stem_")
    }
    labels = {"gpu": "0", "host": "rack-1", "process": "11"}
    wanted = [(labels, 7, 0.0), (labels, 8, 0.5), (labels, 9, 1.0)]
    assert found == {"quiet": [({}, 3, 0.25)], "user/load": wanted}


def test_points_of_users_that_are_too_many_are_told(collector: Collector, server: HttpStub) -> None:
    with pytest.raises(SendError, match="10000 of 10001 points of users were left out"):
        exporter(server.url).take(users(10_001))
    assert [number(one) for one in points(collector.metrics()["user/load"])] == [5000.0]
