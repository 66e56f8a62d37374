"""The documents of a poll: figures by the catalogue's names, losses that add up to the totals."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

from msgspec import structs

from stem_device.catalogue import Details, Kind, Scope, Spread, series_of
from stem_device.elastic.documents import Document
from stem_device.elastic.poll_documents import KINDS, PollDocuments
from stem_device.elastic.template import index_template, template_name
from stem_device.model.finding import Cause, Concern, Finding, Standing
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, Snapshot
from tests.unit import made_snapshots as made
from tests.unit.full_snapshots import FULL, STATE

SECOND = made.SECOND


def bodies(documents: list[Document], kind: str) -> list[dict[str, Any]]:
    found = [json.loads(one.body) for one in documents]
    return [one for one in found if one["kind"] == kind]


def of(snapshot: Snapshot) -> list[Document]:
    return of_monitor("tango://h:1/a/b/c", snapshot)


def of_monitor(name: str, snapshot: Snapshot) -> list[Document]:
    return PollDocuments("pipeline", name).of(snapshot, series_of(snapshot))


def lossy(**changes: Any) -> Snapshot:
    row = made.subscription(**changes)
    return made.snapshot(made.server("dserver/slow/1", row), made.server("dserver/fast/1"), sampled=4)


def test_the_document_of_the_poll_has_the_fields_that_dashboards_know() -> None:
    (poll,) = bodies(of(lossy()), "poll")
    assert poll["source"] == "EventMonitor"
    assert poll["@timestamp"] == "2023-11-14T22:13:20.000Z"
    assert poll["execution_time"] == 0.01
    assert poll["poll"] == 1
    assert poll["monitor"] == "tango://h:1/a/b/c"
    action = json.loads(of(lossy())[0].action)["create"]
    assert action["_index"] == "pipeline-eventmonitor-20231114"


def test_whatever_the_catalogue_tells_has_a_document() -> None:
    """Marks, canaries and heartbeats too, which no Snapshot has."""
    told = series_of(FULL, STATE, Details.ALL)
    documents = PollDocuments("pipeline", "m").of(FULL, told)
    kinds = {json.loads(one.body)["kind"] for one in documents}
    assert {KINDS[one.quantity.scope] for one in told} <= kinds
    assert KINDS.keys() == set(Scope)
    (canary,) = bodies(documents, "canary")
    assert (canary["device"], canary["event"]) == ("sys/tg_test/1", "periodic")
    assert canary["stem_canary_events_lost_total"] == 2


def test_no_other_document_has_an_execution_time() -> None:
    """The average over all documents of a source is that of polls."""
    assert sum(b"execution_time" in one.body for one in of(lossy())) == 1


def test_every_figure_of_the_catalogue_is_in_a_document_and_no_other() -> None:
    snapshot = lossy(missed_total=3, missed_delta=3, overdue=2, cause="burst")
    found: dict[str, list[Any]] = {}
    for one in of(snapshot):
        for name, value in json.loads(one.body).items():
            if name.startswith("stem_"):
                found.setdefault(name, []).append(value)
    wanted: dict[str, list[Any]] = {}
    for series in series_of(snapshot):
        name = series.quantity.metric
        for _, value in series.points:
            if isinstance(value, Spread):
                wanted.setdefault(f"{name}_count", []).append(value.count)
            else:
                wanted.setdefault(name, []).append(value)
    counts = {name: values for name, values in found.items() if "_bucket_" not in name and "_sum" not in name}
    assert counts == wanted
    push = next(json.loads(one.body) for one in of(snapshot) if b"stem_push_seconds_count" in one.body)
    assert push["stem_push_seconds_bucket_le_1e-05"] == push["stem_push_seconds_bucket_le_inf"] == 4


def test_what_is_not_known_is_absent() -> None:
    snapshot = lossy(overdue=None, missed_total=1, lag_seconds=None)
    snapshot = structs_replace(snapshot, counts=Counts(overdue_unknown=1))
    (poll,), (row,) = bodies(of(snapshot), "poll"), bodies(of(snapshot), "subscription")
    assert "stem_events_overdue" not in poll
    assert "stem_subscription_events_overdue" not in row
    assert "stem_subscription_lag_seconds" not in row
    assert poll["stem_subscriptions_overdue_unknown"] == 1
    for one in of(snapshot):
        assert None not in json.loads(one.body).values()
        assert b"NaN" not in one.body


def structs_replace(snapshot: Snapshot, **changes: Any) -> Snapshot:
    from dataclasses import replace

    return replace(snapshot, **changes)


def test_a_loss_has_its_interval_its_moments_and_its_cause() -> None:
    since = made.BEGIN_UTC_NS - 3 * SECOND
    row = made.subscription(
        "tango://h:1/a/b/c/x.idl5_change",
        missed_total=9,
        missed_delta=5,
        unaccounted_total=2,
        unaccounted_delta=2,
        missed_at_least=True,
        lost_since_utc_ns=since,
        cause="burst",
    )
    finding = Finding(
        server="dserver/slow/1",
        topic=row.topic,
        stream=row.stream,
        publisher=row.publisher,
        concern=Concern.LOST,
        cause=Cause.BURST,
        likely=True,
        standing=Standing.OK,
        lost=7,
        overdue=0,
        since_utc_ns=since,
        until_utc_ns=made.BEGIN_UTC_NS,
        sentence="Too many at once.",
        advice="Push less.",
    )
    snapshot = structs_replace(made.snapshot(made.server("dserver/slow/1", row)), findings=(finding,))
    (loss,) = bodies(of(snapshot), "loss")
    for name in ("poll", "monitor", "kind"):
        del loss[name]
    assert loss == {
        "@timestamp": "2023-11-14T22:13:20.000Z",
        "source": "EventMonitor",
        "subscriber": "dserver/slow/1",
        "publisher": "dserver/fast/1",
        "stream": "tango://h:1/a/b/c/x.change",
        "device": "a/b/c",
        "name": "x",
        "onset": "2023-11-14T22:13:17.000Z",
        "notice": "2023-11-14T22:13:20.000Z",
        "lost_lower": 5,
        "lost_upper": 7,
        "at_least": True,
        "missed": 5,
        "unaccounted": 2,
        "cause": "burst",
        "likely": True,
        "sentence": "Too many at once.",
        "advice": "Push less.",
    }


def test_losses_add_up_to_the_totals() -> None:
    documents = PollDocuments("p", "m")
    missed = unaccounted = 0
    found = []
    history = [(2, 3), (4, -1), (0, 0), (1, 0)]
    for number, (more, hidden) in enumerate(history):
        missed, unaccounted = missed + more, unaccounted + hidden
        row = made.subscription(
            missed_total=missed, missed_delta=more, unaccounted_total=unaccounted, unaccounted_delta=hidden
        )
        silent = made.server("dserver/b/1", structs.replace(row, topic="y"), state=ServerState.UNREACHABLE)
        gone = 10 if number == 3 else 0  # of a server that is no target any more
        counts = Counts(missed=missed + gone, unaccounted=unaccounted)
        snapshot = made.snapshot(made.server("dserver/a/1", row), silent, seconds=number, counts=counts)
        found += bodies(documents.of(snapshot, series_of(snapshot)), "loss")
    assert sum(one["missed"] for one in found) == missed + 10
    assert sum(one["unaccounted"] for one in found) == unaccounted
    assert [one.get("subscriber") for one in found] == ["dserver/a/1"] * 3 + [None]
    assert found[-1]["onset"] == "2023-11-14T22:13:22.000Z", "the poll before"


def test_identities_tell_documents_apart_and_are_the_same_again() -> None:
    snapshots = [
        made.snapshot(made.server("dserver/a/1", made.subscription(missed_total=1)), seconds=n)
        for n in range(3)
    ]
    first, second = (
        [one.action for snapshot in snapshots for one in of_monitor(name, snapshot)] for name in "ab"
    )
    again = [one.action for snapshot in snapshots for one in of_monitor("a", snapshot)]
    assert len(set(first + second)) == len(first + second)
    assert again == first


def test_a_subscription_that_ended_and_its_successor_are_two_losses() -> None:
    """They have the same names; a second document with the identity of the first would not be kept."""
    ended = made.subscription(unaccounted_total=7, unaccounted_delta=7, ended=True)
    rows = made.subscription(missed_total=2, missed_delta=2), ended
    found = [one for one in of(made.snapshot(made.server("dserver/a/1", *rows))) if b'"loss"' in one.body]
    assert [json.loads(one.body)["lost_upper"] for one in found] == [2, 7]
    assert len({one.action for one in found}) == 2


def test_names_that_utf8_cannot_hold_are_sent_as_far_as_it_can() -> None:
    row = made.subscription("a/b/\ud800/\u00e4.idl5_change", missed_total=1, missed_delta=1)
    found = bodies(of(made.snapshot(made.server("dserver/\udce4/1", row))), "loss")
    assert [(one["subscriber"], one["stream"]) for one in found] == [
        ("dserver/\ufffd/1", "a/b/\ufffd/\u00e4.change")
    ]


def test_the_template_knows_every_field_with_its_type() -> None:
    template = index_template("pipeline")
    assert template_name("pipeline") == "stem-pipeline-eventmonitor"
    assert template["index_patterns"] == ["pipeline-eventmonitor-*"]
    fields = template["template"]["mappings"]["properties"]
    assert fields["source"]["fields"]["keyword"]["type"] == "keyword"
    assert fields["@timestamp"]["type"] == "date"
    snapshot = lossy(missed_total=3, missed_delta=3, overdue=2, cause="burst")
    snapshot = structs_replace(snapshot, verdict="lost")
    kinds: dict[str, tuple[type, ...]] = {
        "long": (int,),
        "double": (float,),
        "keyword": (str,),
        "text": (str,),
        "date": (str,),
        "boolean": (bool, str),
    }
    for one in of(snapshot):
        for name, value in json.loads(one.body).items():
            assert type(value) in kinds[fields[name]["type"]], name
            assert not isinstance(value, float) or math.isfinite(value)


def test_every_quantity_is_in_the_template() -> None:
    from stem_device.catalogue import QUANTITIES

    fields = index_template("x")["template"]["mappings"]["properties"]
    for quantity in QUANTITIES:
        name = f"{quantity.metric}_count" if quantity.kind is Kind.HISTOGRAM else quantity.metric
        assert name in fields
        assert not set(quantity.labels) - set(fields)
    assert len(fields) < 1000, "what Elasticsearch allows an index by default"


def test_the_template_is_printed_without_a_warning() -> None:
    command = [sys.executable, "-W", "error", "-m", "stem_device.elastic.template", "night"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout) == index_template("night")
    assert printed.stderr == ""
