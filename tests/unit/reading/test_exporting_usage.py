"""Wrong usage of ``stem validate``, ``recover``, ``import`` and ``export``."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from typer.testing import CliRunner

from stem_device.cli.app import app
from tests.unit.reading.conversion_recording import made, write

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usage")
    write(folder / "run.h5", made()[:3])
    (folder / "run.jsonl").write_text("")
    return folder


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("export run.h5 -o run.xyz", "--format"),
        ("export run.h5 -o run.csv2 -f xml", "must be jsonl, csv, parquet"),
        ("export run.h5 -o a.csv --server no/such/*", "no/such/*"),
        ("export run.h5 -o a.csv --start soon", "start"),
        ("export run.h5 -o a.csv --run nothing", "nothing"),
        ("import run.jsonl -o a.h5 --timezone Mars/Base", "time zone"),
        ("recover run.h5", "--output"),
        ("validate", "FILE"),
    ],
)
def test_wrong_usage(arguments: str, part: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, arguments.split(), env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output
    assert part in result.output
    assert {path.name for path in folder.iterdir()} == {"run.h5", "run.jsonl"}


@pytest.mark.parametrize("command", ["validate", "recover", "import", "export"])
def test_help_teaches_by_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"stem {command}" in result.output
