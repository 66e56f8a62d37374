"""``--json``: one object, in ASCII, in the spelling of the device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.cli.json_output import print_json
from tests.unit.synthetic_recording import Plan, write_recording

pytestmark = pytest.mark.extras

NOWHERE = "tango://127.0.0.1:1/a/b/c"


def test_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    told = CliRunner().invoke(app, ["check", NOWHERE, "--json"])
    assert told.exit_code == 3
    (line,) = told.stdout.splitlines()
    document = json.loads(line)
    assert (document["schema"], document["version"]) == ("stem-device.check", 1)
    assert document["monitored"] == 0
    assert document["servers"] == []
    assert "127.0.0.1:1" in document["problems"][0]
    assert document["verdict"] == "unknown"
    assert {ground["code"] for ground in document["uncovered"]} == {"no_subscription"}


def test_a_monitor_has_one_object_a_poll() -> None:
    told = CliRunner().invoke(
        app, ["monitor", NOWHERE, "--json", "--wait", "--polls", "3", "-p", "0.05", "-t", "1"]
    )
    assert told.exit_code == 0
    documents = [json.loads(line) for line in told.stdout.splitlines()]
    assert [document["poll"] for document in documents] == [1, 2, 3]
    assert {document["schema"] for document in documents} == {"stem-device.snapshot"}
    assert documents[0]["totals"]["missed"] == 0


def test_a_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_recording(Path("good.h5"), Plan(polls=3, servers=2, streams=1, subscriptions=1, samples=1))
    Path("torn.h5").write_bytes(Path("good.h5").read_bytes()[:5000])
    told = CliRunner().invoke(app, ["validate", "good.h5", "torn.h5", "--json"])
    assert told.exit_code == 1
    (line,) = told.stdout.splitlines()
    good, torn = json.loads(line)["files"]
    assert (good["file"], good["valid"], good["violations"]) == ("good.h5", True, 0)
    assert (torn["file"], torn["valid"]) == ("torn.h5", False)
    assert torn["findings"] is None or {*torn["findings"][0]} == {"severity", "check", "where", "message"}


def test_what_is_not_ascii_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "m\N{LATIN SMALL LETTER O WITH DIAERESIS}ller", "number": float("nan")})
    assert capsys.readouterr().out == '{"name":"m\\u00f6ller","number":null}\n'
