"""What a scrape gets: the bytes of the client library, by the Accept header, rendered ahead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stem_device.catalogue import Details, Series, series_of
from stem_device.model.snapshot import Snapshot
from stem_device.web.exposition import WANTED_SECONDS, Exposition, format_of
from stem_device.web.rendering import Renderer, TextFormat, families_of, number_text
from stem_device.web.source import NotReadyError
from tests.unit import made_snapshots

prometheus_client = pytest.importorskip("prometheus_client")
open_metrics = pytest.importorskip("prometheus_client.openmetrics.exposition").generate_latest
parser = pytest.importorskip("prometheus_client.openmetrics.parser")
pytestmark = pytest.mark.extras

PLAIN, OPEN = TextFormat.PLAIN, TextFormat.OPEN_METRICS
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,/;q=0.1"
)


def snapshot(missed: int = 3, poll: int = 1) -> Snapshot:
    hostile = 'tango://h:1/a/b/"c\\/x\ny.idl5_change'
    one = made_snapshots.snapshot(
        made_snapshots.server(
            "dserver/slow/1",
            made_snapshots.subscription(missed_total=missed, lag_seconds=1e-9),
            made_snapshots.subscription(hostile, missed_total=10**15, lag_seconds=123456789.125),
            made_snapshots.subscription("a/b/c/é.idl5_change", overdue=None),
        ),
        made_snapshots.server("dserver/fast/1", streams=(made_snapshots.stream(),)),
        sampled=3,
    )
    samples = replace(one.subscriber_samples, first_callback_latency_micros=np.array([-5.0, 7.0, 5e6]))
    return replace(one, poll=poll, verdict="lost", subscriber_samples=samples)


class Registry:
    def __init__(self, series: tuple[Series, ...]) -> None:
        self.series = series

    def collect(self) -> Iterator[Any]:
        return families_of(self.series)


def as_go(text: bytes) -> bytes:
    """The library wrote 1e+015 for 1e+15 before version 0.26."""
    return re.sub(rb"e\+0(\d\d)\b", rb"e+\1", text)


@pytest.mark.parametrize("details", Details)
def test_the_client_library_renders_the_same_bytes(details: Details) -> None:
    series = series_of(snapshot(), None, details)
    renderer = Renderer()
    for _ in range(2):  # with labels that are known, and without
        assert renderer.render(series, PLAIN) == as_go(prometheus_client.generate_latest(Registry(series)))
        assert renderer.render(series, OPEN) == as_go(open_metrics(Registry(series)))


def test_open_metrics_as_a_parser_reads_it() -> None:
    series = series_of(snapshot(), None, Details.ALL)
    text = Renderer().render(series, OPEN).decode()
    families = {one.name: one for one in parser.text_string_to_metric_families(text)}
    assert families["stem_verdict"].type == "stateset"
    assert families["stem_build"].type == "info"
    assert families["stem_push_seconds"].type == "histogram"
    assert families["stem_poll_duration_seconds"].unit == "seconds"
    missed = {one.labels["name"]: one.value for one in families["stem_subscription_events_missed"].samples}
    assert missed == {"x": 3, "x\ny": 1e15, "é": 0}


def test_numbers_as_go_writes_them() -> None:
    told = [0, 1, 0.25, 1e-9, 123456, 1234567, 1e15, 1e22, -5e6]
    library = [as_go(prometheus_client.utils.floatToGoString(one).encode()).decode() for one in told]
    assert [*map(number_text, told)] == library


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html, application/xhtml+xml", PLAIN),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", PLAIN),
        ("application/openmetrics-text", OPEN),
        (PROMETHEUS_2, OPEN),
        (PROMETHEUS_3, OPEN),
        ("text/plain, application/openmetrics-text;q=0.3", PLAIN),
        ("application/openmetrics-text; version=x; q=nonsense", PLAIN),
        (";;;,,q=", PLAIN),
    ],
)
def test_formats_by_accept(accept: str, form: TextFormat) -> None:
    assert format_of(accept) is form


class Counted:
    """How often series were made."""

    def __init__(self) -> None:
        self.made: list[tuple[int, Details]] = []

    def __call__(self, one: Snapshot) -> Any:
        def make(details: Details) -> tuple[Series, ...]:
            self.made.append((one.poll, details))
            return series_of(one, None, details)

        return make


def test_a_scrape_only_sends_bytes() -> None:
    now, make = [0.0], Counted()
    exposition = Exposition(lambda: now[0])
    with pytest.raises(NotReadyError):
        exposition.content("", Details.LOSING)
    exposition.renew(make(snapshot(3, poll=1)))
    assert make.made == []  # nobody has asked
    assert exposition.ready("", Details.LOSING) is None
    first = exposition.content("", Details.LOSING)
    assert exposition.ready("", Details.LOSING) == first
    exposition.renew(make(snapshot(4, poll=2)))
    assert make.made == [(1, Details.LOSING), (2, Details.LOSING)]
    second = exposition.ready("", Details.LOSING)
    assert second is not None
    assert b'stem_subscriber_events_missed_total{subscriber="dserver/slow/1"}' in second.body
    assert second != first
    assert len(make.made) == 2
    now[0] += WANTED_SECONDS + 1
    exposition.renew(make(snapshot(5, poll=3)))
    assert len(make.made) == 2  # nobody has asked for long


def test_labels_of_rows_that_are_gone_are_forgotten() -> None:
    renderer = Renderer()
    for poll in range(50):
        rows = [
            made_snapshots.subscription(f"a/b/{poll}/x{n}.idl5_change", missed_total=1) for n in range(20)
        ]
        one = made_snapshots.snapshot(made_snapshots.server("s", *rows))
        renderer.render(series_of(one), PLAIN)
    assert len(renderer._labels) < 200
