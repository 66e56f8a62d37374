"""JSON lines: what a line says, and that the file is whole whatever happens to its writer."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stem_device.errors import MissingExtraError, RecordingError
from stem_device.model.poll import ServerState
from stem_device.recording.jsonl import JsonLinesRecorder
from tests.unit.recording import jsonl_snapshots
from tests.unit.recording.jsonl_snapshots import SERVER, numbered, record, snapshot

SUFFIXES = [".jsonl", ".jsonl.gz", pytest.param(".jsonl.zst", marks=pytest.mark.extras)]
COMPRESSED = SUFFIXES[1:]
KILLS_EACH = 12
REPLY = '{"version":1,"server":{"event_counters":{"s":5},"perf":null},"client":null}'


def whole_text(path: Path) -> bytes:
    """The text of a file that must be complete; strict, with tools that are not ours."""
    if path.suffix == ".gz":
        subprocess.run(["gzip", "--test", path], check=True)
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        text, rest = b"", path.read_bytes()
        while rest:
            part, rest, complete = one_frame(rest)
            assert complete
            text += part
        return text
    return path.read_bytes()


def readable_text(path: Path) -> bytes:
    """What the usual tools bring out of a file that may be cut off at its end."""
    if path.suffix == ".gz":
        return subprocess.run(
            ["gzip", "--decompress", "--stdout", path], check=False, capture_output=True
        ).stdout
    if path.suffix == ".zst":
        text, rest = b"", path.read_bytes()
        while rest:
            part, rest, complete = one_frame(rest)
            text += part
            rest = rest if complete else b""
        return text
    return path.read_bytes()


def one_frame(data: bytes) -> tuple[bytes, bytes, bool]:
    import zstandard

    frame = zstandard.ZstdDecompressor().decompressobj()
    return frame.decompress(data), frame.unused_data, frame.eof


def lines(path: Path) -> list[dict[str, Any]]:
    text = whole_text(path)
    assert text == b"" or text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


def counter(line: dict[str, Any]) -> int:
    return line["replies"][SERVER]["data"]["server"]["event_counters"]["tango://h:10000/a/b/c/attr.change"]


def recorded(tmp_path: Path, *snapshots: Any) -> list[dict[str, Any]]:
    recorder = JsonLinesRecorder(tmp_path / "a.jsonl")
    for one in snapshots:
        recorder.write(one)
    recorder.close()
    return lines(tmp_path / "a.jsonl")


def test_line_of_a_poll(tmp_path: Path) -> None:
    down = record(
        name="tango://h:10000/dserver/y/1", state=ServerState.UNREACHABLE, reason="timeout", age_seconds=9.0
    )
    assert recorded(tmp_path, snapshot(record(REPLY), down), snapshot()) == [
        {
            "time": "2026-11-22T03:12:31.123456+00:00",
            "replies": {SERVER: {"data": json.loads(REPLY)}, down.name: {"error": "timeout"}},
        },
        {"time": "2026-11-22T03:12:31.123456+00:00", "replies": {}},
    ]


def test_reply_is_embedded_as_it_came(tmp_path: Path) -> None:
    """Unknown keys, number formats and the order of keys included."""
    text = '{"version": 1, "client": null, "new": 1.50e3, "server": null, "name": "é"}'
    recorded(tmp_path, snapshot(record(text)))
    assert text.encode() in (tmp_path / "a.jsonl").read_bytes()


def test_reply_over_several_lines_becomes_one(tmp_path: Path) -> None:
    text = json.dumps({**json.loads(REPLY), "new": "a\nb"}, indent=2).replace("\n", "\r\n")
    (line,) = recorded(tmp_path, snapshot(record(text)))
    assert line["replies"][SERVER]["data"] == json.loads(text)


def test_several_queries_of_a_poll_are_merged(tmp_path: Path) -> None:
    def reply(count: int, *pushes: int) -> str:
        perf = [{"micros_since_last_event": None, "push_event_micros": push} for push in pushes]
        return json.dumps(
            {"version": 1, "server": {"event_counters": {"s": count}, "perf": perf}, "client": None}
        )

    (line,) = recorded(tmp_path, snapshot(record(reply(3, 1, 2), reply(7, 3))))
    assert line["replies"][SERVER]["data"] == json.loads(reply(7, 1, 2, 3))


@pytest.mark.parametrize(
    "texts", [("garbage",), (REPLY, "garbage"), ("[" * 100_000,), ("\ud800",), ('{"a":NaN}',)]
)
def test_text_that_cannot_be_parsed_is_an_error_of_that_server(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    other = record(REPLY, name="tango://h:10000/dserver/y/1")
    (line,) = recorded(tmp_path, snapshot(record(*texts), other))
    assert line["replies"][SERVER].keys() == {"error"}
    assert line["replies"][other.name] == {"data": json.loads(REPLY)}


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (record("garbage", state=ServerState.FAILING, reason="not JSON"), "not JSON"),
        (record(REPLY, state=ServerState.UNREACHABLE, reason="gone"), "gone"),
        (record(REPLY, age_seconds=10.0), "no answer in this poll (monitored)"),
        (record(state=ServerState.NOT_EXPORTED, age_seconds=None), "no answer in this poll (not exported)"),
        (record(), "the text of the reply was not kept"),
    ],
)
def test_server_without_a_fresh_reply_is_an_error(tmp_path: Path, server: Any, error: str) -> None:
    (line,) = recorded(tmp_path, snapshot(server))
    assert line["replies"] == {SERVER: {"error": error}}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_is_whole_after_every_poll(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    recorder = JsonLinesRecorder(path)
    assert lines(path) == []
    for poll in range(1, 20):
        recorder.write(numbered(poll, samples=poll % 4 * 50))
        assert [counter(line) for line in lines(path)] == list(range(1, poll + 1))
        assert recorder.polls == poll
        assert recorder.bytes_written == path.stat().st_size
    recorder.close()
    recorder.close()
    assert len(lines(path)) == 19
    with pytest.raises(RecordingError, match="closed"):
        recorder.write(numbered(20))


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_compression_goes_on_over_the_polls(tmp_path: Path, suffix: str) -> None:
    """Not a dictionary a poll: names that repeat cost next to nothing."""
    path = tmp_path / f"a{suffix}"
    recorder = JsonLinesRecorder(path)
    reply = json.loads(REPLY)
    rng = random.Random(1)
    reply["server"]["event_counters"] = {rng.randbytes(30).hex(): 1 for _ in range(50)}
    for _ in range(20):
        recorder.write(snapshot(record(json.dumps(reply))))
    recorder.close()
    assert path.stat().st_size < len(gzip.compress(json.dumps(reply).encode())) * 2


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_append_goes_on(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for start in (1, 3, 5):
        recorder = JsonLinesRecorder(path, append=True)
        before = path.stat().st_size
        recorder.write(numbered(start))
        recorder.write(numbered(start + 1))
        recorder.close()
        assert recorder.polls == 2
        assert 0 < recorder.bytes_written <= path.stat().st_size
        assert start > 1 or recorder.bytes_written == path.stat().st_size
        assert before <= path.stat().st_size
    assert [counter(line) for line in lines(path)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_existing_file_is_refused_and_left_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(RecordingError, match="File exists") as caught:
        JsonLinesRecorder(path)
    assert caught.value.path == str(path)
    assert path.read_bytes() == b"precious"


def test_append_ends_an_unfinished_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"other": 1}\n{"other": 2}')
    recorder = JsonLinesRecorder(path, append=True)
    recorder.write(numbered(3))
    recorder.close()
    assert path.read_bytes().startswith(b'{"other": 1}\n{"other": 2}\n{"time":')
    assert len(lines(path)) == 3


@pytest.mark.parametrize("size", [8, 30, 100_000])
def test_append_cuts_off_the_line_of_a_killed_writer(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.jsonl"
    recorder = JsonLinesRecorder(path)
    recorder.write(numbered(1))
    recorder.close()
    with path.open("ab") as file:
        file.write((b'{"time":"2026-11-22T03:12:31.123456+00:00","replies":{"' + b"x" * size)[:size])
    recorder = JsonLinesRecorder(path, append=True)
    recorder.write(numbered(2))
    recorder.close()
    assert [counter(line) for line in lines(path)] == [1, 2]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"notes of somebody", b"\x1f\x8b\x08 nearly", b"(\xb5/\xfd nearly"])
def test_append_refuses_what_is_no_recording(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="append to"):
        JsonLinesRecorder(path, append=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_append_refuses_a_compressed_file_that_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    recorder = JsonLinesRecorder(path)
    recorder.write(numbered(1, samples=300))
    recorder.close()
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) - 2, len(content) // 2, 3):
        path.write_bytes(content[:size])
        with pytest.raises(RecordingError, match="cut off"):
            JsonLinesRecorder(path, append=True)
        assert path.read_bytes() == content[:size]


def test_append_refuses_compressed_text_without_its_last_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"time":'))
    with pytest.raises(RecordingError, match="last line is not complete"):
        JsonLinesRecorder(path, append=True)


@pytest.mark.parametrize("append", [False, True])
def test_places_that_cannot_be_written(tmp_path: Path, append: bool) -> None:
    with pytest.raises(RecordingError, match="No such file or directory"):
        JsonLinesRecorder(tmp_path / "missing" / "a.jsonl", append=append)
    with pytest.raises(RecordingError, match=r"Is a directory|File exists"):
        JsonLinesRecorder(tmp_path, append=append)
    with pytest.raises(RecordingError, match=r"no regular file|File exists"):
        JsonLinesRecorder(Path(os.devnull), append=append)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"mine"),
        lambda path: path.write_bytes(path.read_bytes() + b"mine"),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("elsewhere")),
    ],
)
def test_a_file_that_another_program_spoils_ends_the_recording(
    tmp_path: Path, spoil: Any, suffix: str
) -> None:
    path = tmp_path / f"run{suffix}"
    recorder = JsonLinesRecorder(path)
    for number in range(2):
        recorder.write(numbered(number))
    spoil(path)
    left = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    for words in ("another program has written to it", "an earlier write failed"):
        with pytest.raises(RecordingError, match=words):
            recorder.write(numbered(2))
    recorder.close()
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == left


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    first = JsonLinesRecorder(tmp_path / "a.jsonl")
    with pytest.raises(RecordingError, match="another"):
        JsonLinesRecorder(tmp_path / "a.jsonl", append=True)
    first.close()
    JsonLinesRecorder(tmp_path / "a.jsonl", append=True).close()


def test_missing_package_is_told_before_a_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"stem-device\[zstd\]"):
        JsonLinesRecorder(tmp_path / "a.jsonl.zst")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_full_disk_leaves_what_was_written(tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands for the disk: writes become short, then fail."""
    path = tmp_path / f"a{suffix}"
    recorder = JsonLinesRecorder(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(RecordingError, match="File too large") as caught:
            fill(recorder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.path, caught.value.action) == (str(path), "write")
    assert recorder.polls > 1
    assert [counter(line) for line in lines(path)] == list(range(1, recorder.polls + 1))
    assert recorder.bytes_written == path.stat().st_size
    with pytest.raises(RecordingError, match="earlier write failed"):
        recorder.write(numbered(1))
    recorder.close()
    assert len(lines(path)) == recorder.polls


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sigkill_at_any_moment_loses_no_reported_poll(tmp_path: Path, suffix: str) -> None:
    rng = random.Random(suffix)
    for number in range(KILLS_EACH):
        path = tmp_path / f"{number}{suffix}"
        reported = record_until_killed(
            path, after_polls=rng.randrange(1, 40), wait_seconds=rng.random() * 0.003
        )
        text = readable_text(path)
        found = [counter(json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
        assert found in (list(range(1, reported + 1)), list(range(1, reported + 2)))


def fill(recorder: JsonLinesRecorder) -> None:
    for poll in range(1, 10_000):
        recorder.write(numbered(poll, samples=40))


def record_until_killed(path: Path, after_polls: int, wait_seconds: float) -> int:
    """The number of the last poll that the recording process had reported."""
    program = [sys.executable, jsonl_snapshots.__file__, str(path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if int(line) >= after_polls:
                    break
            time.sleep(wait_seconds)  # the random moment, no condition to wait for
        finally:
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")[:-1]
        assert process.wait() == -signal.SIGKILL
    return int(rest[-1]) if rest else after_polls
