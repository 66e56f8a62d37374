"""``stem report``: what it refuses, what it writes, and how it fails."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.synthetic_recording import Plan, write_recording

pytest.importorskip("typer")
pytest.importorskip("h5py")
pytest.importorskip("plotly")
pytestmark = pytest.mark.extras

from typer.testing import CliRunner  # noqa: E402

from stem_device.cli.app import app  # noqa: E402
from stem_device.report.page.figures.catalogue import FIGURES  # noqa: E402


def run(*arguments: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["report", *map(str, arguments)])
    return outcome.exit_code, outcome.stderr


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "night.h5"
    write_recording(path, Plan(polls=4))
    return path


def test_the_page_is_named_report_unless_told(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, errors = run(recording)
    assert code == 0
    assert errors.startswith("stem: wrote report.html (")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "<h1>night.h5</h1>" in (tmp_path / "report.html").read_text()


def test_what_was_selected_is_told_in_the_title(recording: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, _ = run(
        recording, "-o", page, "--server", "dserver/motion/00[12]", "--start", "2026-11-22T04:00:10"
    )
    assert code == 0
    assert "<h1>night.h5, from 2026-11-22T04:00:10, servers dserver/motion/00[12]</h1>" in page.read_text()
    code, errors = run(recording, recording, "-o", page)
    assert (code, "and 1 more" in page.read_text()) == (0, True), errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "gif"], "--format: must be one of png, svg, pdf"),
        (["--figure", "losses"], "--figure: single figures need a --format"),
        (["--format", "png", "--figure", "nothing"], f"--figure: must be one of {', '.join(FIGURES)}"),
        (["--start", "yesterday"], "start: must be ISO 8601"),
        (["--server", "dserver/none/*"], "servers: no name in the recording matches"),
        (["--run", "r"], "run: the recording has no marks of it"),
    ],
)
def test_wrong_usage(recording: Path, arguments: list[str], said: str) -> None:
    code, errors = run(recording, *arguments)
    assert (code, said in errors) == (2, True), errors


def test_a_recording_is_not_overwritten(recording: Path) -> None:
    before = recording.read_bytes()
    code, errors = run(recording, "-o", recording)
    assert (code, "this is the recording itself" in errors) == (2, True)
    assert recording.read_bytes() == before


def test_files_that_cannot_be_read_or_written(recording: Path, tmp_path: Path) -> None:
    code, errors = run(tmp_path / "none.h5")
    assert (code, "cannot read" in errors) == (1, True)
    (tmp_path / "file").write_text("")
    code, errors = run(recording, "-o", tmp_path / "file" / "report.html")
    assert (code, "cannot write" in errors) == (1, True)


@pytest.mark.parametrize("module", ["plotly", "kaleido"])
def test_parts_that_are_not_installed_are_named(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> ModuleType:
        if name.partition(".")[0] == module:
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    image = ["--format", "png", "--figure", "timeline"] if module == "kaleido" else []
    code, errors = run(recording, "-o", tmp_path / "out", *image)
    extra = {"plotly": "report", "kaleido": "images"}[module]
    assert (code, f"stem-device[{extra}]" in errors) == (5, True), errors


def test_help_names_every_figure() -> None:
    outcome = CliRunner().invoke(app, ["report", "--help"])
    assert all(f"{name} (" in outcome.stdout for name in FIGURES)
