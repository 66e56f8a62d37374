"""A recording whose every text would steer the terminal of who reads it: written as such by somebody else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("plotly")
pytest.importorskip("typer")

import h5py
import numpy as np
from msgspec import structs
from typer.testing import CliRunner, Result

from stem_device.catalogue import Details
from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.cli.app import app
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link, ServerRecord
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.text import MARK
from stem_device.web.recorded import RecordedSource
from tests.unit.full_snapshots import FULL
from tests.unit.synthetic_recording import Loss, Outage, Plan, synthetic_snapshots

pytestmark = pytest.mark.extras

STEERING = bytes.maketrans(b"oul", b"\x1b\x07\x08")
"""The letters of names that become an escape, a bell and a step back."""
C1 = (b"is", "\x9b".encode())
"""Two letters that become the other beginning of an escape, in UTF-8."""
OWNED = "\x1b[2J\x9b2J\x07owned"
CODED = {text.encode() for text in (*ServerState, *Failure, *Link, *MarkKind, *FULL.telemetry.kind)}
"""What has to stay, or the recording is refused for it."""
KEPT = (b"tango://", b"dserver/", b".change", b".idl5_change")


def steering(text: bytes) -> bytes:
    """Of the same length."""
    if text in CODED:
        return text
    kept = next((part for part in KEPT if text.startswith(part)), b"")
    end = next((part for part in KEPT if text.endswith(part)), b"")
    middle = text[len(kept) : len(text) - len(end)]
    return kept + middle.replace(*C1).translate(STEERING) + end


def made_hostile(path: Path) -> Path:
    """All texts of a recording, by h5py."""
    with h5py.File(path, "r+") as file:
        texts = file["entry/names/text"]
        before = texts[:].tolist()
        texts[:] = np.array([steering(text) for text in before], texts.dtype)
        assert sum(b"\x1b" in text for text in texts[:].tolist()) > len(before) / 3
        context = file["entry/context"]
        for name in ("targets", "property_names", "property_values", "version_names", "version_values"):
            rows = context[name]
            rows[:] = np.array([steering(text) for text in rows[:].tolist()], rows.dtype)
        for name in ("context/label", "context/host", "title", "program_name"):
            text = file["entry"][name]
            text[()] = steering(text[()])
        replies = file["entry/text_bytes/data"]
        replies[:] = np.frombuffer(replies[:].tobytes().translate(STEERING), np.uint8)
    return path


def night(path: Path) -> Path:
    """Losses with marks of runs, servers that fail, problems, replies that could not be used."""
    plan = Plan(
        polls=12, servers=4, streams=2, subscriptions=2, losses=[Loss(4, 1, 0, 57)], outages=[Outage(6, 2, 3)]
    )
    recorder = Hdf5Recorder(path, RecordingContext(label="our night", host="control", targets=("lab/*/*",)))
    for number, snapshot in enumerate(synthetic_snapshots(plan)):
        servers = tuple(replace_texts(server) for server in snapshot.servers)
        recorder.write(replace(snapshot, servers=servers, telemetry=FULL.telemetry, outlets=FULL.outlets))
        if number % 3 == 1:
            for kind, name in ((MarkKind.BEGIN, "begin of it"), (MarkKind.END, "this is the outcome")):
                recorder.write_mark(mark(kind, name, snapshot.time_utc_ns))
    recorder.close()
    return made_hostile(path)


def replace_texts(server: ServerRecord) -> ServerRecord:
    if server.state is ServerState.MONITORED:
        return server
    return structs.replace(server, texts=("could not be used",), failure=Failure.REPLY)


def mark(kind: MarkKind, name: str, time_utc_ns: int) -> Mark:
    return Mark(
        kind=kind,
        run=f"our run {time_utc_ns}",
        name=name,
        emitted_utc_ns=time_utc_ns,
        received_utc_ns=time_utc_ns,
        received_monotonic_ns=1,
        device_group="our group",
        queue="our queue",
        configuration="this is our configuration",
        host="control",
        worker="our worker",
        requestor="our user",
        request_id="is it ours",
        error="our loud error" if kind is MarkKind.END else None,
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return night(tmp_path_factory.mktemp("hostile") / "night.h5")


def harmless(text: str) -> bool:
    """But for ends of lines, and what draws colours and bars: no text of the file has an ESC before [."""
    own = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]|\r", "", text)
    return all(one == "\n" or one.isprintable() for one in own)


COMMANDS = (
    ("stats", "{}"),
    ("stats", "{}", "--json"),
    ("why", "{}"),
    ("why", "{}", "--json"),
    ("runs", "{}"),
    ("runs", "{}", "--json"),
    ("compare", "{}", "{}"),
    ("compare", "{}", "{}", "--json"),
    ("report", "{}", "-o", "-"),
    ("export", "{}", "-f", "csv", "-o", "-"),
    ("export", "{}", "-f", "jsonl", "-o", "-"),
    ("recover", "{}", "-o", "recovered.h5"),
    ("validate", "{}"),
    ("validate", "{}", "--json"),
)
SILENT = {"recover", "validate"}
"""Those that show no text of a recording."""


def shown(recording: Path, command: tuple[str, ...], *, colours: bool) -> Result:
    environment = {"FORCE_COLOR": "1", "TERM": "xterm"} if colours else {}
    done = CliRunner(env=environment).invoke(app, [one.format(recording) for one in command])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert harmless(done.stdout)
    assert harmless(done.stderr)
    return done


@pytest.mark.parametrize(
    ("command", "colours"),
    [
        (one, colours)
        for one in COMMANDS
        for colours in (False, True)
        if not (colours and one[0] in {"report", "recover"})
    ],
    ids=str,
)
def test_no_text_of_it_steers_a_terminal(
    recording: Path, command: tuple[str, ...], colours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = shown(recording, command, colours=colours)
    assert done.exit_code == 0, done.output
    if command[0] not in SILENT:
        assert MARK in done.stdout or json.dumps(MARK)[1:-1] in done.stdout, "they were shown"


@pytest.mark.parametrize("where", ["stem_format", "stem_format_version", "creator", "state"])
def test_what_is_wrong_with_it_is_told_without_it(recording: Path, where: str, tmp_path: Path) -> None:
    """A value that cannot be is part of what is told."""
    copy = tmp_path / "other.h5"
    copy.write_bytes(recording.read_bytes())
    with h5py.File(copy, "r+") as file:
        if where == "state":
            texts = file["entry/names/text"]
            texts[int(file["entry/servers/state"][0])] = np.array(OWNED.encode(), texts.dtype)
        else:
            file.attrs[where] = OWNED
    for command in (("stats", "{}"), ("runs", "{}"), ("validate", "{}"), ("validate", "{}", "--json")):
        done = shown(copy, command, colours=False)
        if command[0] == "validate":
            assert done.exit_code == 1
            assert "violation" in done.output


def test_nothing_of_it_is_served(recording: Path) -> None:
    source = RecordedSource([recording])
    try:
        served = [
            source.page().decode(),
            source.metrics("", Details.ALL).body.decode(),
            full_snapshot(source.snapshot()),
        ]
    finally:
        source.close()
    assert all(map(harmless, served))
    assert all(MARK in text for text in served[:2])


def test_nothing_of_it_is_read(recording: Path) -> None:
    with open_recording(recording) as opened:
        assert all(harmless(name) for name in opened.names if name)
