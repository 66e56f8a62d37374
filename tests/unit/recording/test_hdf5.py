"""Everything that a Snapshot has is in the file, and comes back as it was."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from stem_device.errors import MissingExtraError, RecordingError
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Failure, Identity, ServerState, TapFigures
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    NONE_DEPARTED,
    Counts,
    Link,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    TelemetryRows,
    Timings,
    Unseen,
)
from stem_device.recording import Hdf5Recorder, RecordingContext, h5_typing
from stem_device.recording import format as spec
from tests.unit.recording.snapshots import Size, snapshot, snapshots

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

SIZE = Size(servers=5, streams=3, subscriptions=7, samples=4)
CONTEXT = RecordingContext(
    label="a label/..\0",
    targets=("sys/*/*", "lab/axis/1"),
    properties={"PollPeriod": "10.0", "TargetDevices": "sys/*/*\nlab/axis/1"},
    host="control-7",
    versions={"stem-device": "0.1.0", "pytango": "10.3.1"},
)

COUNTS = {
    "published": "published_total",
    "received": "received_total",
    "missed": "missed_total",
    "gaps": "gaps_total",
    "discarded": "discarded_total",
    "resets": "resets_total",
    "overdue": "overdue",
    "disconnected": "disconnected",
    "unaccounted": "unaccounted_total",
    "missed_before": "missed_before",
    "unobserved": "unobserved_total",
    "books_unbalanced": "books_unbalanced",
    "overdue_unknown": "overdue_unknown",
    "unseen_streams": "unseen_streams",
    "blind_seconds": "blind_seconds",
}
# Where the file has every field of every record: a field that is added to the model and not to the file
# fails the test. A name stands for the column of that name; None for what is stored in another way.
WHERE: dict[type, dict[str, Any]] = {
    Snapshot: {
        "poll": "poll",
        "time_utc_ns": "time_utc_ns",
        "monotonic_ns": "monotonic_ns",
        "duration_seconds": "duration_seconds",
        "spread_seconds": "spread_seconds",
        "overruns_total": "overruns_total",
        "monitoring_since_utc_ns": "monitoring_since_utc_ns",
        "counts": None,  # columns of polls, see COUNTS
        "published_rate": "published_rate",
        "received_rate": "received_rate",
        "sample_coverage": "sample_coverage",
        "timings": None,  # columns of polls with the same names
        "phases": None,  # columns of polls with the same names
        "servers": None,  # table servers
        "publisher_samples": None,  # table publisher_samples
        "subscriber_samples": None,  # table subscriber_samples
        "problems": None,  # table problems
        "departed": None,  # table departed, where a server has left the targets with totals
        "verdict": "verdict",
        "outlets": None,  # table outlets
        "telemetry": None,  # table telemetry
        "metrics": None,  # table metrics
        "findings": None,  # nowhere: readers find the causes again, over any window
    },
    ServerRecord: {
        "name": "server",
        **{
            name: name
            for name in (
                "state",
                "reason",
                "since_utc_ns",
                "tango_version",
                "age_seconds",
                "asked_utc_ns",
                "asked_monotonic_ns",
                "round_trip_seconds",
                "queries",
                "asked_every",
                "sampling",
                "sampling_ours",
                "drained_by_others",
                "publisher_samples",
                "subscriber_samples",
                "sampled_events",
            )
        },
        "counts": None,  # columns of servers, see COUNTS
        "streams": None,  # table streams
        "subscriptions": None,  # table subscriptions
        "channels": None,  # table channels
        "not_connected": None,  # table not_connected
        "tap": None,  # table taps
        "texts": None,  # table texts, where nothing of the server is counted; otherwise all the others
        "failure": "failure",
        "identity": None,  # columns of servers, see Identity
        "ended": "process_ended",
        "followed": "followed",
        "event_endpoints": "event_endpoints",
        "heartbeat_endpoints": "heartbeat_endpoints",
    },
    OutletHealth: {
        "name": "outlet",
        **{name: name for name in ("sent", "dropped", "failed", "waiting", "last_error")},
    },
    Counts: COUNTS,
    Identity: {"life": "life", "pid": "pid", "started": "started", "since_utc_ns": "life_since_utc_ns"},
    Timings: {name: name for name in Timings.__struct_fields__ if name.endswith("_seconds")},
    StreamRecord: {
        "name": "stream",
        "pushed": "pushed",
        "published_total": "published_total",
        "published_delta": "published_delta",
        "resets_total": "resets_total",
        "unseen": "unseen",
    },
}


def same(found: Any, meant: Any) -> bool:
    if isinstance(found, float) and math.isnan(found):
        return meant is None or math.isnan(meant)
    if isinstance(meant, tuple):
        return bool(found == " ".join(meant))
    return found == (-1 if meant is None and found is not None else meant)


def compare(record: Any, table: dict[str, list[Any]], row: int) -> None:
    names = fields(record) if isinstance(record, Snapshot) else structs.fields(record)
    where = WHERE.get(type(record), {})
    for field in names:
        column = where[field.name] if where else field.name
        if column is not None:
            meant = getattr(record, field.name)
            assert same(table[column][row], meant), (type(record).__name__, field.name)


class Comparison:
    """Goes through the tables of a file along with the Snapshots that it was made of."""

    def __init__(self, tables: dict[str, dict[str, list[Any]]]) -> None:
        self.tables = tables
        self.rows = dict.fromkeys(tables, 0)

    def next_row(self, table: str, **meant: Any) -> int:
        row = self.rows[table]
        self.rows[table] += 1
        for column, value in meant.items():
            assert same(self.tables[table][column][row], value), (table, column)
        return row

    def compare(self, one: Snapshot) -> None:
        row = self.next_row("polls")
        for part in (one, one.counts, one.timings):
            compare(part, self.tables["polls"], row)
        for server in one.servers:
            self.compare_server(server, one.poll)
        for name in ("publisher_samples", "subscriber_samples"):
            self.compare_samples(name, getattr(one, name), one)
        for problem in one.problems:
            self.next_row("problems", poll=one.poll, problem=problem)
        if one.departed != NONE_DEPARTED:
            compare(one.departed, self.tables["departed"], self.next_row("departed", poll=one.poll))
        for outlet in one.outlets:
            compare(outlet, self.tables["outlets"], self.next_row("outlets", poll=one.poll))
        self.compare_telemetry(one)
        for table in spec.ROW_TABLES:
            assert self.tables["polls"][f"{table.name}_end"][row] == self.rows[table.name]

    def compare_telemetry(self, one: Snapshot) -> None:
        for row in zip(*(getattr(one.telemetry, field.name) for field in fields(TelemetryRows)), strict=True):
            values = dict(zip((field.name for field in fields(TelemetryRows)), row, strict=True))
            self.next_row("telemetry", poll=one.poll, **values)

    def compare_server(self, server: ServerRecord, poll: int) -> None:
        row = self.next_row("servers", poll=poll)
        compare(server, self.tables["servers"], row)
        compare(server.counts, self.tables["servers"], row)
        compare(server.identity, self.tables["servers"], row)
        for name in ("streams", "subscriptions", "not_connected"):
            for record in getattr(server, name):
                compare(record, self.tables[name], self.next_row(name, poll=poll, server=server.name))
        if server.tap is not None:
            compare(server.tap, self.tables["taps"], self.next_row("taps", poll=poll, server=server.name))
        for publisher, endpoint in server.channels.items():
            self.next_row("channels", poll=poll, server=server.name, publisher=publisher, endpoint=endpoint)
        for text in server.texts if not server.state.is_counted else ():
            cut = text[: spec.MAX_TEXT_CHARACTERS]
            self.next_row("texts", poll=poll, server=server.name, characters=len(text), text=cut)

    def compare_samples(self, name: str, samples: Any, one: Snapshot) -> None:
        for index, server in enumerate(samples.server):
            meant = {field.name: getattr(samples, field.name)[index] for field in fields(samples)}
            self.next_row(name, **meant | {"poll": one.poll, "server": one.servers[server].name})


def compare_all(made: list[Snapshot], tables: dict[str, dict[str, list[Any]]]) -> None:
    comparison = Comparison(tables)
    for one in made:
        comparison.compare(one)
    assert {name: len(table["poll"]) for name, table in tables.items()} == comparison.rows


def record(path: Path, made: list[Snapshot]) -> dict[str, dict[str, list[Any]]]:
    from tests.unit.recording.reading import read

    recorder = Hdf5Recorder(path, CONTEXT)
    for one in made:
        recorder.write(one)
    unfinished = read(path)
    recorder.close()
    finished = read(path)
    assert repr(unfinished) == repr(finished)
    return finished


def test_everything_comes_back(tmp_path: Path) -> None:
    made = list(islice(snapshots(SIZE), 40))
    compare_all(made, record(tmp_path / "all.h5", made))


@pytest.mark.parametrize(
    "kind",
    [
        TelemetryRows,
        NotConnected,
        SubscriptionRecord,
        PublisherSamples,
        SubscriberSamples,
        TapFigures,
        *WHERE,
    ],
)
def test_every_field_of_the_model_has_its_place(kind: type) -> None:
    tables = {table.name: {column.name for column in table.columns} for table in spec.TABLES}
    own = {
        TelemetryRows: tables["telemetry"],
        NotConnected: tables["not_connected"],
        TapFigures: tables["taps"],
        SubscriptionRecord: tables["subscriptions"],
        PublisherSamples: tables["publisher_samples"],
        SubscriberSamples: tables["subscriber_samples"],
        Snapshot: tables["polls"],
        Timings: tables["polls"],
        Counts: tables["polls"] & tables["servers"] & tables["departed"],
        Identity: tables["servers"],
        OutletHealth: tables["outlets"],
        ServerRecord: tables["servers"],
        StreamRecord: tables["streams"],
    }[kind]
    names = [
        field.name for field in (structs.fields(kind) if hasattr(kind, "__struct_fields__") else fields(kind))
    ]
    where = WHERE.get(kind) or {name: name for name in names}
    assert sorted(where) == sorted(names)
    assert {column for column in where.values() if column is not None} <= own


def test_rows_that_fill_chunks_many_times_over(tmp_path: Path) -> None:
    size = Size(servers=20, streams=1, subscriptions=110, samples=130)  # 2200 and 2600 rows a poll
    made = list(islice(snapshots(size), 2))
    compare_all(made, record(tmp_path / "many.h5", made))


NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.integers(150, 1000).map(lambda count: "\u00b5a" * count),
)
COUNTERS = st.integers(0, 2**63 - 1)
TAPS = st.builds(
    TapFigures,
    connected=st.booleans(),
    endpoint=NAMES,
    pushed=st.none() | COUNTERS,
    heard=COUNTERS,
    heartbeat_age_seconds=st.none() | st.floats(0, 1e9),
    bytes_per_second=st.floats(0, 1e12),
)


@st.composite
def odd_snapshots(draw: st.DrawFn) -> Snapshot:
    """A Snapshot with names and numbers of every kind in every place that takes them."""
    base = snapshot(draw(st.integers(0, 30)), Size(servers=4, streams=1, subscriptions=1, samples=2))
    optional = st.none() | NAMES
    servers = tuple(
        structs.replace(
            server,
            name=f"{index}{draw(NAMES)}",
            reason=draw(NAMES),
            state=draw(st.sampled_from(ServerState)),
            age_seconds=draw(st.none() | st.floats(0, 1e9)),
            texts=tuple(draw(st.lists(NAMES, max_size=3))),
            channels=draw(st.dictionaries(NAMES, NAMES, max_size=3)),
            failure=draw(st.sampled_from(Failure)),
            identity=draw(st.builds(Identity, COUNTERS, st.none() | COUNTERS, NAMES, COUNTERS)),
            ended=draw(st.booleans()),
            followed=draw(st.booleans()),
            event_endpoints=tuple(draw(st.lists(NAMES, max_size=2))),
            tap=draw(st.none() | TAPS),
            streams=tuple(
                structs.replace(row, unseen=draw(st.sampled_from(Unseen))) for row in server.streams
            ),
            subscriptions=tuple(
                structs.replace(
                    row,
                    topic=draw(NAMES),
                    server_counter=draw(COUNTERS),
                    overdue=draw(st.none() | COUNTERS),
                    unaccounted_total=draw(COUNTERS),
                    unaccounted_delta=draw(st.integers(-(2**63) + 1, 2**63 - 1)),
                    lag_seconds=draw(st.none() | st.floats(0, 1e9)),
                    lost_since_utc_ns=draw(st.none() | COUNTERS),
                    link=draw(st.sampled_from(Link)),
                    ended=draw(st.booleans()),
                    cause=draw(NAMES),
                )
                for row in server.subscriptions
            ),
            not_connected=tuple(
                draw(st.lists(st.builds(NotConnected, NAMES, NAMES, NAMES, NAMES, optional), max_size=2))
            ),
        )
        for index, server in enumerate(base.servers)
    )
    return replace(
        base,
        servers=servers,
        problems=tuple(draw(st.lists(NAMES, max_size=3))),
        departed=draw(st.just(NONE_DEPARTED) | st.builds(Counts, missed=COUNTERS, unaccounted=COUNTERS)),
        verdict=draw(NAMES),
        outlets=tuple(
            draw(
                st.lists(
                    st.builds(OutletHealth, NAMES, COUNTERS, COUNTERS, COUNTERS, COUNTERS, NAMES), max_size=3
                )
            )
        ),
    )


@settings(max_examples=10, deadline=None)
@given(made=st.lists(odd_snapshots(), min_size=1, max_size=3))
def test_whatever_a_snapshot_holds_comes_back(
    made: list[Snapshot], tmp_path_factory: pytest.TempPathFactory
) -> None:
    compare_all(made, record(tmp_path_factory.mktemp("odd") / "odd.h5", made))


def test_nothing_to_record_is_recorded(tmp_path: Path) -> None:
    made = [snapshot(0, Size(servers=0, streams=0, subscriptions=0, samples=0))]
    compare_all(made, record(tmp_path / "empty.h5", made))


def test_numbers_that_no_counter_can_hold_are_clipped(tmp_path: Path) -> None:
    base = snapshot(1, Size(servers=1, streams=1, subscriptions=0, samples=0))
    stream = structs.replace(base.servers[0].streams[0], pushed=2**70)
    made = replace(base, servers=(structs.replace(base.servers[0], streams=(stream,)),))
    assert record(tmp_path / "x.h5", [made])["streams"]["pushed"] == [2**63 - 1]


def test_long_replies_are_cut_and_say_how_long_they_were(tmp_path: Path) -> None:
    base = snapshot(5, Size(servers=4, streams=0, subscriptions=0, samples=0))
    text = "\u00b5" * (spec.MAX_TEXT_CHARACTERS + 7)
    failing = structs.replace(base.servers[3], texts=(text, "short"))
    made = [replace(base, servers=(*base.servers[:3], failing))]
    tables = record(tmp_path / "x.h5", made)
    compare_all(made, tables)
    assert tables["texts"]["characters"] == [len(text), 5]


def test_the_file_says_who_made_it(tmp_path: Path) -> None:
    record(tmp_path / "x.h5", [snapshot(0)])
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.attrs["stem_format"] == "stem-device recording"
        assert file.attrs["stem_format_version"] == "1.3"
        context = file["entry/context"]
        assert context["host"].asstr()[()] == "control-7"
        assert context["label"].asstr()[()] == "a label/..\ufffd"
        assert context["targets"].asstr()[:].tolist() == ["sys/*/*", "lab/axis/1"]
        pairs = zip(context["property_names"].asstr()[:], context["property_values"].asstr()[:], strict=True)
        assert dict(pairs) == CONTEXT.properties
        pairs = zip(context["version_names"].asstr()[:], context["version_values"].asstr()[:], strict=True)
        assert dict(pairs) == CONTEXT.versions
        assert len(file["entry/entry_identifier"].asstr()[()]) == 36
        assert context["part"][()] == 1
        assert file["entry/start_time"].asstr()[()] < file["entry/context/end_time"].asstr()[0]


def test_the_end_is_told_by_a_closed_file_only(tmp_path: Path) -> None:
    recorder = Hdf5Recorder(tmp_path / "x.h5", CONTEXT)
    recorder.write(snapshot(0))
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["entry/context/end_time"].shape == (0,)
    recorder.close()
    recorder.close()
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["entry/context/end_time"].shape == (1,)
    with pytest.raises(RecordingError, match="has ended"):
        recorder.write(snapshot(1))


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="never overwritten"):
        Hdf5Recorder(path, CONTEXT)
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.h5"]


def test_the_size_is_that_on_disk(tmp_path: Path) -> None:
    recorder = Hdf5Recorder(tmp_path / "x.h5", CONTEXT)
    for one in islice(snapshots(), 3):
        recorder.write(one)
        assert recorder.bytes_written == (tmp_path / "x.h5").stat().st_size
    recorder.close()
    assert recorder.polls == 3
    assert recorder.bytes_written == (tmp_path / "x.h5").stat().st_size


def test_without_h5py_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"stem-device\[hdf5\]"):
        Hdf5Recorder(tmp_path / "x.h5", CONTEXT)
    with pytest.raises(MissingExtraError):
        h5_typing.import_h5py()


def test_a_recorder_left_open_does_no_harm_at_exit(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from pathlib import Path\n"
        "from tests.unit.recording.snapshots import snapshot\n"
        "from stem_device.recording import Hdf5Recorder, RecordingContext\n"
        f"kept = Hdf5Recorder(Path({str(tmp_path / 'x.h5')!r}), RecordingContext())\n"
        "kept.write(snapshot(0))\n"
        "sys.keep = kept\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["entry/polls/poll"][:].tolist() == [0]


DOCUMENT = Path(__file__).parents[3] / "docs" / "howto" / "read-while-recording.md"
READER = """
import sys, time
deadline = time.monotonic() + 60
seen = -1
while time.monotonic() < deadline:
    rows = patiently(rows_of_last_poll, sys.argv[1], "subscriptions")
    last = rows["poll"][-1] if rows else -1
    assert last >= seen
    assert not rows or set(rows["poll"]) == {last}
    if last != seen:
        print(last, flush=True)
    seen = last
    if last == 59:
        sys.exit(0)
sys.exit("no end seen")
"""


def test_another_process_reads_while_the_file_grows(tmp_path: Path) -> None:
    """The very functions of the how-to, at a pace at which the file grows while it is being read."""
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    (example,) = (code for code in examples if "import h5py" in code)
    functions = "import time\n\nimport h5py\n\n" + re.findall(r"def .*(?=\nrows = )", example, re.DOTALL)[0]
    path = tmp_path / "x.h5"
    recorder = Hdf5Recorder(path, CONTEXT)
    command = [sys.executable, "-c", functions + READER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            seen = -1
            for one in islice(snapshots(), 60):
                recorder.write(one)
                while seen < one.poll and one.poll % 4 == 0:  # in step now and then
                    seen = int(reader.stdout.readline())
            assert reader.wait(60) == 0
        finally:
            reader.kill()
    recorder.close()


def test_columns_take_numpy_arrays_of_other_types(tmp_path: Path) -> None:
    base = snapshot(0, Size(servers=1, streams=0, subscriptions=0, samples=3))
    samples = replace(base.publisher_samples, push_event_micros=np.array([1, 2, 3], dtype=np.int32))
    tables = record(tmp_path / "x.h5", [replace(base, publisher_samples=samples)])
    assert tables["publisher_samples"]["push_event_micros"] == [1, 2, 3]
