"""Lines of JSON become the recording that the same polls would have been, and what cannot be used is told."""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from stem_device.accounting import Ledger
from stem_device.errors import RecordingError
from stem_device.model.mark import Mark
from stem_device.model.poll import Answer, Failure, Identity, Poll, ServerState, TapFigures
from stem_device.model.snapshot import Snapshot
from stem_device.reading import open_recording
from stem_device.reading.exporting import export
from stem_device.reading.importing import Imported, import_lines
from stem_device.reading.importing.parsing import PollLine, parse_line
from stem_device.reading.importing.replay import Replay, ReplayClock
from stem_device.reading.validation.checking import findings
from stem_device.recording import Hdf5Recorder, JsonLinesRecorder, RecordingContext
from tests.unit.reading.conversion_polls import (
    PUBLISHER,
    START_NS,
    STEP_NS,
    STREAMS,
    SUBSCRIBER,
    poll,
    publisher_text,
    texts,
)
from tests.unit.reading.conversion_recording import MARKS

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

UNKNOWN = {
    "polls": {"time", "monotonic_ns", "duration_seconds", "spread_seconds", "monitoring_since_utc_ns"},
    "servers": {
        "reason", "since_utc_ns", "tango_version", "asked_utc_ns", "asked_monotonic_ns", "round_trip_seconds",
        "queries",
    },
}  # fmt: skip
"""What is in no line of JSON."""


def live(tmp_path: Path, suffix: str, *, patched: bool = False, polls: int = 60) -> tuple[Path, Path]:
    """The same polls recorded both ways."""
    ledger = Ledger()
    recorders = (
        Hdf5Recorder(tmp_path / "live.h5", RecordingContext()),
        JsonLinesRecorder(tmp_path / f"live{suffix}"),
    )
    for number, replies in enumerate(texts(polls, patched=patched), 1):
        snapshot = ledger.account(poll(number, replies))
        for recorder in recorders:
            recorder.write(snapshot)
            if number == 5:
                for mark in MARKS:
                    recorder.write_mark(mark)
    for recorder in recorders:
        recorder.close()
    return recorders[0].path, recorders[1].path


def columns(path: Path) -> dict[str, dict[str, str]]:
    with open_recording(path) as recording:
        return {
            table: {name: repr(recording[table][name].tolist()) for name in recording[table].columns}
            for table in recording.tables
            if table != "texts"
        }


@pytest.mark.parametrize(("patched", "suffix"), [(False, ".jsonl"), (True, ".json.gz"), (False, ".json.zst")])
def test_importing_gives_what_would_have_been_recorded(patched: bool, suffix: str, tmp_path: Path) -> None:
    recorded, lines = live(tmp_path, suffix, patched=patched)
    assert import_lines([lines], tmp_path / "new.h5") == Imported(60, len(MARKS), 0, 0, ())
    assert list(findings(tmp_path / "new.h5")) == []
    truth, found = columns(recorded), columns(tmp_path / "new.h5")
    for table, expected in truth.items():
        for name in expected.keys() - UNKNOWN.get(table, set()):
            assert found[table][name] == expected[name], (table, name)
    with open_recording(recorded) as recording:
        polls = recording["polls"]
        # The polls do test something.
        assert polls["missed_total"][-1] > 10
        assert polls["resets_total"][-1] > 10
        assert len(recording["subscriber_samples"]) > 100
        assert set(recording["servers"]["state"]) == {"monitored", "unreachable"}


def tapped(number: int, replies: dict[str, str | None]) -> Poll:
    """The publisher cannot be asked: its counters are what a tap heard, from the third push before the first
    poll on. Where there is no reply, the tap does not say yet what it makes of counters that fell."""
    made = poll(number, replies)
    publisher, subscriber = made.answers
    assert publisher.server == PUBLISHER
    new_life = number == 1 or number % 13 == 0
    heard = publisher.reply.server.event_counters if publisher.reply and publisher.reply.server else {}
    figures = TapFigures(
        connected=True,
        endpoint="tcp://h:5000",
        topics=3,
        unnumbered=number % 2,
        pushed=number * 10 if number > 2 else None,
        heard=number * 9,
        size=number * 900,
        lost_here=number,
        heartbeats=number // 4,
        heartbeat_age_seconds=number % 4 / 3 if number > 4 else None,
        events_per_second=number / 7,
        bytes_per_second=number * 100 / 7,
    )
    publisher = structs.replace(
        publisher,
        state=ServerState.TAPPED,
        reason="runs Tango 9.5.1, which cannot be asked; the events that it sends are counted on the wire",
        failure=Failure.UNSUPPORTED,
        heard_from={name: max(0, count - 4) for name, count in heard.items()} if new_life else {},
        tap=figures,
    )
    # One that can be asked may be tapped too.
    asked = structs.replace(subscriber, tap=structs.replace(figures, connected=number % 5 > 0, heard=number))
    return structs.replace(made, answers=(publisher, asked))


def test_what_a_tap_heard_is_in_the_lines_and_in_what_is_made_of_them(tmp_path: Path) -> None:
    ledger = Ledger()
    recorders = (
        Hdf5Recorder(tmp_path / "live.h5", RecordingContext()),
        JsonLinesRecorder(tmp_path / "live.jsonl"),
    )
    for number, replies in enumerate(texts(60), 1):
        snapshot = ledger.account(tapped(number, replies))
        for recorder in recorders:
            recorder.write(snapshot)
    for recorder in recorders:
        recorder.close()
    first = json.loads((tmp_path / "live.jsonl").read_text().splitlines()[0])["replies"][PUBLISHER]
    assert first["tap"].keys() == set(TapFigures.__struct_fields__)
    assert (first["failure"], first["tap"]["pushed"]) == ("unsupported", None), "not known is not 0"
    with open_recording(tmp_path / "live.h5") as recording:
        export(recording, tmp_path / "again.jsonl")
        assert set(recording["servers"]["state"]) == {"tapped", "monitored", "unreachable"}
        assert len(recording["taps"]) == 2 * 60
        assert recording["polls"]["published_total"][0] == 3 * 3, "from the first event heard on"
        assert recording["polls"]["missed_total"][-1] > 10
        assert recording["polls"]["resets_total"][-1] > 10
    truth = columns(tmp_path / "live.h5")
    for lines in ("live.jsonl", "again.jsonl"):
        assert import_lines([tmp_path / lines], tmp_path / f"{lines}.h5").notes == ()
        assert list(findings(tmp_path / f"{lines}.h5")) == []
        found = columns(tmp_path / f"{lines}.h5")
        for table, expected in truth.items():
            for name in expected.keys() - UNKNOWN.get(table, set()):
                assert found[table][name] == expected[name], (lines, table, name)


@pytest.mark.parametrize(
    "told",
    [
        {"identity": {"life": 1, "pid": 2**63}},
        {"identity": {"life": 1, "since_utc_ns": -3}},
        {"failure": "unsupported", "tap": {"connected": True, "endpoint": "tcp://h:1", "heard": 2**53 + 1}},
        {"failure": "unsupported", "tap": {"connected": True, "endpoint": "tcp://h:1", "size": -1}},
        {"failure": "unsupported", "tap": {"connected": True, "endpoint": "a", "bytes_per_second": 1e300}},
        {"pushed_before": {"s": 2**60}},
    ],
)
def test_numbers_that_no_recording_can_hold_are_taken_as_not_told(
    told: dict[str, Any], tmp_path: Path
) -> None:
    """One of them made all of what was imported unreadable."""
    given = json.loads(line(1))
    given["replies"][PUBLISHER] |= told
    _, (snapshot,) = imported(tmp_path, json.dumps(given))
    (server,) = snapshot.servers
    assert (server.state, server.identity, server.tap) == (ServerState.MONITORED, Identity(), None)


def line(number: int, text: str = "", *, name: str = PUBLISHER, time: str = "") -> str:
    time = time or datetime.fromtimestamp((START_NS + number * STEP_NS) / 1e9, UTC).isoformat()
    reply = text or publisher_text([number * 10 + 1] * 3, None, patched=True)
    return f'{{"time":"{time}", "replies":{{"{name}":{{"data":{reply}}}}}}}'


def imported(tmp_path: Path, *given: str, **options: Any) -> tuple[Imported, list[Snapshot]]:
    path = tmp_path / "old.json"
    path.write_text("\n".join(given))
    (tmp_path / "new.h5").unlink(missing_ok=True)
    result = import_lines([path], tmp_path / "new.h5", **options)
    with open_recording(tmp_path / "new.h5") as recording:
        return result, list(recording.snapshots())


def test_lines_without_their_last_braces_as_the_observatory_script_writes_them(tmp_path: Path) -> None:
    result, polls = imported(tmp_path, *(line(number)[:-2] for number in range(5)), "")
    assert (result.polls, result.skipped, result.mended) == (5, 0, 5)
    assert polls[-1].counts.published == 3 * 40
    (note,) = result.notes
    assert "line 1" in note


@pytest.mark.parametrize("closing", ["}}", ""])
@pytest.mark.parametrize(
    "text",
    [
        "(DevError(desc = 'it \"failed\"\\nsecond', origin = 'a', reason = 'API_X', severity = <ERR: 1>),)",
        "(DevError(desc = 'it\\'s \\x1b[1m', origin = 'a)\"}', reason = 'API_Y', severity = <ERR: 1>),)",
    ],
)
def test_errors_that_were_never_quoted(text: str, closing: str, tmp_path: Path) -> None:
    reply = publisher_text([7, 7, 7], None, patched=True)
    replies = f'"{SUBSCRIBER}":{{"error":"{text}"}},"{PUBLISHER}":{{"data":{reply}}}'
    bad = f'{{"time":"2026-11-22T03:00:00", "replies":{{{replies}{closing}'
    result, (snapshot,) = imported(tmp_path, bad)
    assert (result.polls, result.skipped, result.mended) == (1, 0, 1)
    states = {server.name: (server.state.value, server.reason) for server in snapshot.servers}
    assert states[PUBLISHER] == ("monitored", "")
    assert states[SUBSCRIBER] == ("unreachable", text)


def answers_of(line: dict[str, Any]) -> tuple[Answer, ...]:
    parsed = parse_line(json.dumps({"time": "2026-11-22T03:12:31+00:00", **line}).encode(), UTC)
    assert not isinstance(parsed, Mark)
    return Replay(ReplayClock()).poll(parsed.replies).answers


def test_what_a_line_tells_of_the_process_is_kept() -> None:
    known = {
        "error": "no answer", "failure": "refused", "ended": True, "followed": True,
        "identity": {"life": 3, "pid": 17, "started": "then", "since_utc_ns": 5},
        "event_endpoints": ["tcp://h:1", "tcp://h:2"],
    }  # fmt: skip
    strange = {"error": "Connection refused by the host", "identity": "mine", "ended": "yes"}
    one, other = answers_of({"replies": {"a/b/1": known, "a/b/2": strange}})
    assert (one.failure, one.ended, one.followed) == (Failure.REFUSED, True, True)
    assert one.identity == Identity(3, 17, "then", 5)
    assert one.event_endpoints == ("tcp://h:1", "tcp://h:2")
    assert (other.failure, other.ended, other.identity) == (Failure.REFUSED, False, Identity())


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("DevFailed(API_CommandNotFound)", Failure.UNSUPPORTED),
        ("API_DeviceNotDefined", Failure.UNDEFINED),
        ("API_DeviceNotExported", Failure.NOT_EXPORTED),
        ("API_CantConnectToDevice", Failure.REFUSED),
        ("the database did not answer", Failure.DATABASE),
        ("timeout", Failure.SILENT),
        ("it answers with an error", Failure.ERROR),
        ("its reply cannot be used: not JSON (at $)", Failure.REPLY),
    ],
)
def test_lines_that_tell_no_code_get_that_of_their_text(text: str, failure: Failure) -> None:
    (found,) = answers_of({"replies": {"a/b/1": {"error": text}}})
    assert found.failure is failure


def test_a_line_a_server(tmp_path: Path) -> None:
    def one(number: int, name: str) -> str:
        text = publisher_text([number * 10 + 1] * 3, None, patched=True)
        return f'{{"time":"2026-11-22T03:00:{number:02d}","name":"{name}","data":{text}}}'

    error = json.dumps({"time": "2026-11-22T03:00:04", "name": PUBLISHER, "error": "timeout"})
    given = [one(number, name) for number in range(4) for name in (PUBLISHER, SUBSCRIBER)]
    result, polls = imported(tmp_path, *given, error)
    assert (result.polls, result.skipped) == (5, 0)
    assert [len(snapshot.servers) for snapshot in polls] == [2, 2, 2, 2, 1]
    assert polls[3].counts.published == 2 * 3 * 30


def test_what_cannot_be_used_is_told_by_line(tmp_path: Path) -> None:
    result, polls = imported(
        tmp_path,
        line(0),
        "",
        "nonsense",
        '{"replies": {}}',
        '{"time": "yesterday", "replies": {}}',
        '{"time": "2026-11-22T03:00:00", "something": "else"}',
        line(1),
        line(1),
        line(2)[: len(line(2)) // 2],
    )
    assert (result.polls, result.skipped) == (2, 6)
    told = [re.sub(r"^old.json line (\d+): skipped: ", r"\1 ", note)[:34] for note in result.notes]
    assert [one.split()[0] for one in told] == ["3", "4", "5", "6", "8", "9"]
    assert "it has no time" in result.notes[1]
    assert "'yesterday' is no time" in result.notes[2]
    assert "neither replies nor a mark" in result.notes[3]
    assert "same as the line before" in result.notes[4]
    assert "torn" in result.notes[5]
    assert [snapshot.counts.published for snapshot in polls] == [0, 30]


def test_a_reply_that_cannot_be_used_is_that_server_alone(tmp_path: Path) -> None:
    result, (snapshot,) = imported(tmp_path, line(0, '{"version": 9}'))
    (server,) = snapshot.servers
    assert (server.state.value, server.texts) == ("failing", ('{"version": 9}',))
    assert "version" in result.notes[0]


def test_the_clock_goes_back_and_sessions_are_appended(tmp_path: Path) -> None:
    times = ["03:00:00", "03:00:02", "02:00:04", "02:00:06", "02:00:06"]
    given = [line(number, time=f"2026-10-25T{time}") for number, time in enumerate(times)]
    result, polls = imported(tmp_path, *given)
    assert result.polls == 5
    assert [note for note in result.notes if "goes back by 3598 s" in note]
    assert [(later.monotonic_ns - earlier.monotonic_ns) / 1e9 for earlier, later in pairwise(polls)] == [
        2,
        2,
        2,
        2,
    ]
    assert polls[-1].counts.published == 3 * 40


def test_times_without_zone(tmp_path: Path) -> None:
    given = line(0, time="2026-07-01T12:00:00.5")
    _, (utc,) = imported(tmp_path, given)
    _, (summer,) = imported(tmp_path, given, zone=ZoneInfo("Europe/Berlin"))
    assert utc.time_utc_ns == 1_782_907_200_500_000_000
    assert utc.time_utc_ns - summer.time_utc_ns == 2 * 3600 * 10**9


def test_several_files_are_one_recording(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(line(number) + "\n")
    result = import_lines(
        [tmp_path / f"{number}.json" for number in range(3)], tmp_path / "new.h5", label="night"
    )
    with open_recording(tmp_path / "new.h5") as recording:
        assert recording["polls"]["published_total"].tolist() == [0, 30, 60]
        (source,) = recording.sources
        assert (source.label, source.complete) == ("night", True)
    assert result.polls == 3


def test_names_are_known_by_their_lower_case(tmp_path: Path) -> None:
    _, polls = imported(tmp_path, line(0, name="dserver/Pub/1"), line(1, name="dserver/pub/1"))
    assert [server.name for snapshot in polls for server in snapshot.servers] == ["dserver/pub/1"] * 2
    assert polls[-1].counts.published == 30
    assert {row.name for row in polls[-1].servers[0].streams} == set(STREAMS)


def test_a_gzip_file_that_is_cut_off_or_damaged_gives_what_is_before(tmp_path: Path) -> None:
    whole = gzip.compress("".join(line(number) + "\n" for number in range(300)).encode())
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) * 2 // 3])
    result = import_lines([tmp_path / "cut.json.gz"], tmp_path / "cut.h5")
    assert 100 < result.polls < 300
    assert result.notes[-1] == "cut.json.gz: the compressed file is cut off"
    damaged = bytearray(whole)
    damaged[len(whole) * 2 // 3 : len(whole) * 2 // 3 + 20] = b"\xff" * 20
    (tmp_path / "damaged.json.gz").write_bytes(damaged)
    result = import_lines([tmp_path / "damaged.json.gz"], tmp_path / "damaged.h5")
    assert 100 < result.polls < 300
    assert "damaged" in result.notes[-1]


def test_what_comes_before_the_damage_does_not_depend_on_how_much_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.14 reads 128 kB, Python 3.13 8 kB."""
    whole = bytearray(gzip.compress("".join(line(number) + "\n" for number in range(300)).encode()))
    whole[-8] ^= 0xFF  # the checksum
    (tmp_path / "a.json.gz").write_bytes(whole)
    monkeypatch.setattr(io, "BufferedReader", partial(io.BufferedReader, buffer_size=1 << 17))
    result = import_lines([tmp_path / "a.json.gz"], tmp_path / "a.h5")
    assert 250 < result.polls <= 300
    assert "damaged" in result.notes[-1]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"nonsense\n", b"\0" * 1000])
def test_nothing_to_import_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(content)
    with pytest.raises(RecordingError, match="there is no poll in it"):
        import_lines([tmp_path / "old.json"], tmp_path / "new.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


def test_no_file_and_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        import_lines([tmp_path / "nothing.json"], tmp_path / "new.h5")
    (tmp_path / "old.json").write_text(line(0))
    (tmp_path / "new.h5").write_text("mine")
    with pytest.raises(RecordingError, match="never overwritten"):
        import_lines([tmp_path / "old.json"], tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_text() == "mine"


def test_notes_are_bounded_and_progress_is_told(tmp_path: Path) -> None:
    done: list[float] = []
    result, _ = imported(
        tmp_path, line(0), *(f"nonsense {number}" for number in range(500)), progress=done.append
    )
    assert (result.skipped, len(result.notes)) == (500, 101)
    assert result.notes[-1] == "and 400 more"
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_a_mark_that_lacks_something_is_told(tmp_path: Path) -> None:
    lines = [json.dumps({"time": "2026-11-22T03:00:00Z", "mark": {"kind": "begin"}})]
    result, _ = imported(tmp_path, line(0), *lines)
    assert "its mark cannot be used" in result.notes[0]


def test_an_hour_that_comes_twice_goes_by_the_order_of_lines(tmp_path: Path) -> None:
    clock = ["01:59:30", "02:00:00", "02:30:00", "02:59:30", "02:00:00", "02:30:00", "02:59:30", "03:00:00"]
    given = [line(number, time=f"2026-10-25T{time}") for number, time in enumerate(clock)]
    result, polls = imported(tmp_path, *given, zone=ZoneInfo("Europe/Berlin"))
    assert result == Imported(8, 0, 0, 0, ())
    first = datetime(2026, 10, 24, 23, 59, 30, tzinfo=UTC).timestamp()
    seconds = [poll.time_utc_ns / 1e9 - first for poll in polls]
    assert seconds == [0, 30, 1830, 3600, 3630, 5430, 7200, 7230]


def test_lines_of_one_server_in_an_hour_that_comes_twice(tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/Berlin")
    one = b'{"time":"2026-10-25T02:30:00", "name":"a/b/c", "data":null}'
    first = parse_line(one, zone)
    assert isinstance(first, PollLine)
    again = parse_line(one, zone, first.utc_ns)
    second = parse_line(one, zone, first.utc_ns + 1)
    assert isinstance(again, PollLine)
    assert isinstance(second, PollLine)
    assert (again.utc_ns - first.utc_ns, second.utc_ns - first.utc_ns) == (0, 3600 * 10**9)
    assert parse_line(one, zone, second.utc_ns) == second
    # A clock that went back by days is no matter of this hour.
    assert parse_line(one, zone, second.utc_ns + 1) == first


@pytest.mark.parametrize("between", ["", " ", "\t"])
def test_lines_that_lost_their_end_are_read(between: str, tmp_path: Path) -> None:
    glued = between.join(line(number) for number in range(3))
    result, polls = imported(tmp_path, glued, line(3))
    assert (result.polls, result.skipped, len(polls)) == (4, 0, 4)
    assert result.notes == ("old.json line 1: 3 lines stand in one, and count as such",)
    torn = between.join(line(number)[:-2] for number in range(3))
    assert imported(tmp_path, torn)[0].polls == 3


def test_the_mark_of_another_system_at_the_begin_is_nothing(tmp_path: Path) -> None:
    result, _ = imported(
        tmp_path, "\N{ZERO WIDTH NO-BREAK SPACE}" + line(0), "\N{ZERO WIDTH NO-BREAK SPACE}" + line(1)
    )
    assert result == Imported(2, 0, 0, 0, ())


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (json.dumps(json.loads(line(0)), indent=2).encode(), "jq -c ."),
        (json.dumps([json.loads(line(0))], indent=2).encode(), "jq -c '.[]'"),
        (line(0).encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
    ],
)
def test_another_form_is_explained_in_one_sentence(content: bytes, advice: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(content)
    with pytest.raises(RecordingError, match=re.escape(advice)):
        import_lines([tmp_path / "old.json"], tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()
