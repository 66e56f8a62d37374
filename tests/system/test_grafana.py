"""Every panel of every dashboard, asked of real servers while a real system loses events, has data."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stem_device.client import RunMarker
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import OutOfTimeError, wait_until
from stem_device.grafana import DASHBOARDS, Flavour
from stem_device.grafana.contents.recording import RECORDING
from stem_device.web import serve_recordings
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.grafana_client import (
    Asked,
    OpenTsdbSource,
    PrometheusSource,
    query_variables,
    questions,
)
from tests.system.harness import ServerFactory, lose
from tests.system.prometheus_server import prometheus
from tests.unit.web.web_sources import options

pytest.importorskip("h5py")
pytest.importorskip("uvicorn")

pytestmark = pytest.mark.needs("prometheus")

"""More than the queues of both sides and of the connection between them hold."""
RUN = "grafana"

Source = PrometheusSource | OpenTsdbSource


class Scene(NamedTuple):
    """A system that lost events during a run, monitored, and the sources that tell of it."""

    monitor: EventMonitor
    missed: int
    begun: float
    sources: dict[Flavour, Source]
    recording: Path


@pytest.fixture(scope="module")
def scene(database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("grafana")
    factory = ServerFactory(database, folder)
    try:
        yield from _played(database, factory, folder)
    finally:
        factory.stop()


def _played(database: EmbeddedDatabase, servers: ServerFactory, folder: Path) -> Iterator[Scene]:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    properties = {
        "HttpAddress": ["0"],
        "RecordOnStart": ["true"],
        "MonitorPerformance": ["true"],
        "TapPublishers": ["all"],
    }
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, folder, targets, properties=properties) as monitor:
        url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        with prometheus(url, folder) as server:
            wait_until(lambda: server.value("stem_events_missed_total") == 0, "the first scrape")
            begun = time.time()
            with RunMarker(monitor.proxy).run(RUN):
                missed = lose(publisher, subscriber, index)[1].missing
            wait_until(lambda: server.value("stem_events_missed_total") == missed, "the scrape of the loss")
            name = Path(str(monitor.value("recordingPath")))
            sources: dict[Flavour, Source] = {
                Flavour.PROMETHEUS: PrometheusSource(server),
                Flavour.OPENTSDB: OpenTsdbSource(url),
            }
            yield Scene(monitor, missed, begun, sources, name)


@pytest.fixture(params=list(Flavour))
def flavour(request: pytest.FixtureRequest) -> Flavour:
    return Flavour(request.param)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_every_panel_has_data(scene: Scene, dashboard: Any, flavour: Flavour) -> None:
    document = dashboard.document(flavour)
    source = scene.sources[flavour]

    def empty() -> list[Asked]:
        return [asked for asked in questions(document) if not source.series(asked.target, document)]

    # Rates and quantiles need a second scrape of what was sampled.
    with contextlib.suppress(OutOfTimeError):
        wait_until(lambda: not empty(), "data for every panel", interval_seconds=0.5)
    assert empty() == []
    variables = query_variables(document)
    assert [one["name"] for one in variables if not source.values(one, document)] == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_legends_name_labels_that_there_are(scene: Scene, dashboard: Any, flavour: Flavour) -> None:
    document = dashboard.document(flavour)
    for asked in questions(document):
        legend = asked.target["legendFormat" if flavour is Flavour.PROMETHEUS else "alias"]
        wanted = set(re.findall(r"\{\{(\w+)\}\}|\$tag_(\w+)", legend))
        for labels in scene.sources[flavour].series(asked.target, document):
            assert {"".join(one) for one in wanted} <= labels.keys(), asked


def test_marks_are_where_the_run_was(scene: Scene, flavour: Flavour) -> None:
    document = DASHBOARDS[0].document(flavour)
    marks = {text: at for at, text in scene.sources[flavour].marks(document)}
    assert marks.keys() == {f"{RUN}: begin", f"{RUN}: end"}
    assert scene.begun - 2 < marks[f"{RUN}: begin"] < marks[f"{RUN}: end"] < time.time() + 1


def test_a_recording_has_data_in_all_panels_that_need_no_monitor(scene: Scene) -> None:
    scene.monitor.proxy.StopRecording()  # one that grows is read anew for each question
    port = serve_recordings([scene.recording], options())
    try:
        source = OpenTsdbSource(port.url)
        empty = {
            (dashboard.name, asked.panel)
            for dashboard in DASHBOARDS
            for document in (dashboard.document(Flavour.OPENTSDB),)
            for asked in questions(document)
            if not source.series(asked.target, document)
        }
        marks = {text for _, text in source.marks(DASHBOARDS[0].document(Flavour.OPENTSDB))}
    finally:
        port.close()
    assert marks == {f"{RUN}: begin", f"{RUN}: end"}
    # Causes are named while a monitor runs, or by stem why; and nothing records its own state.
    assert {one for one in empty if one[0] != "recording"} == {
        ("overview", "Subscriptions by cause"),
        ("subscription", "Why"),
    }
    shown = {panel.title for row in RECORDING.rows for panel in row.panels} - {name for _, name in empty}
    assert {"Phases of a poll", "Servers asked", "Polls left out"} <= shown
