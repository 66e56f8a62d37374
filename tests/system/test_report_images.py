"""``stem report --format``: single figures as files, drawn by a real browser."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.report.page.figures.catalogue import FIGURES
from tests.system.report_page import browser_path
from tests.unit.synthetic_recording import Loss, Plan, write_recording

PLAN = Plan(polls=6, losses=(Loss(3, 1, 2, 7),))


@pytest.fixture(scope="module")
def found() -> str:
    return browser_path()


@pytest.fixture
def same_browser_as_the_other_tests(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", found)


def run(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["report", *arguments])
    return outcome.exit_code, outcome.stderr


@pytest.mark.needs("browser")
@pytest.mark.usefixtures("same_browser_as_the_other_tests")
def test_every_figure_that_has_something_to_show(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.h5", PLAN)
    code, errors = run(str(tmp_path / "a.h5"), "--format", "svg", "-o", str(tmp_path / "images"))
    assert code == 0, errors
    written = {path.stem: path for path in (tmp_path / "images").iterdir()}
    # No runs, nobody is behind, and no process told of itself.
    assert set(written) == set(FIGURES) - {"stages", "lag", "processes", "process_distributions"}
    for path in written.values():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert "motion/001 ← lab/axis/002/position02.change" in written["losses"].read_text()


@pytest.mark.needs("browser")
@pytest.mark.usefixtures("same_browser_as_the_other_tests")
@pytest.mark.parametrize(("image_format", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_formats(tmp_path: Path, image_format: str, begins: bytes) -> None:
    write_recording(tmp_path / "a.h5", PLAN)
    code, errors = run(
        str(tmp_path / "a.h5"), "--format", image_format, "--figure", "timeline", "-o", str(tmp_path)
    )
    assert code == 0, errors
    image = (tmp_path / f"timeline.{image_format}").read_bytes()
    assert image.startswith(begins)
    if image_format == "png":
        assert struct.unpack(">II", image[16:24]) == (2400, 960)


def test_without_a_browser_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    write_recording(tmp_path / "a.h5", PLAN)
    code, errors = run(str(tmp_path / "a.h5"), "--format", "png", "--figure", "timeline")
    assert code == 1
    assert "no Chromium or Chrome is installed here" in errors
    assert "BROWSER_PATH" in errors


def test_a_figure_without_anything_to_show(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.h5", PLAN)
    code, errors = run(str(tmp_path / "a.h5"), "--format", "png", "--figure", "stages")
    assert code == 1
    assert "There are no marks in this recording" in errors
