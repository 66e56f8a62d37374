"""Where the output of each command may go, and that nothing else is replaced, made or left behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.reading import open_recording
from stem_device.reading.event_files import read_events
from stem_device.recording.event_files import HeardEvent, open_events
from tests.unit.synthetic_recording import Plan, write_recording

pytestmark = pytest.mark.extras

MAKERS = {
    "report": ["report", "good.h5", "-o"],
    "export": ["export", "good.h5", "--format", "jsonl", "-o"],
    "import": ["import", "good.jsonl", "-o"],
    "recover": ["recover", "good.h5", "-o"],
    "monitor": ["monitor", "a/b/c", "--polls", "1", "-o"],
    "monitor to HDF5": ["monitor", "a/b/c", "--polls", "1", "-o"],
    "tap": ["tap", "a/b/c", "-o"],
    "tap to HDF5": ["tap", "a/b/c", "-o"],
}
"""What a user would type before the output."""

TO_STANDARD_OUTPUT = {"report", "export"}
"""Those that take ``-``; nothing else may be advised to."""

makers = pytest.mark.parametrize("maker", MAKERS)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write_recording(folder / "good.h5", Plan(polls=3, servers=2, streams=1, subscriptions=1, samples=1))
    assert (
        CliRunner()
        .invoke(app, ["export", str(folder / "good.h5"), "-o", str(folder / "good.jsonl")])
        .exit_code
        == 0
    )
    return folder


@pytest.fixture(autouse=True)
def here(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which has the good files."""
    for name in ("good.h5", "good.jsonl"):
        (tmp_path / name).symlink_to(good / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(maker: str, output: str, *words: str) -> str:
    before = tree(Path())
    done = CliRunner().invoke(app, [*MAKERS[maker], output])
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    for word in words:
        assert word in sentence
    assert "RecordingDirectory" not in sentence
    assert "KeepRecordings" not in sentence
    assert tree(Path()) == before
    return sentence


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Kind and inode of all that is there."""
    return {str(path): (stat.S_IFMT(path.lstat().st_mode), path.lstat().st_ino) for path in folder.rglob("*")}


def output_of(maker: str, name: str = "out") -> str:
    return name + (".h5" if maker.endswith("to HDF5") else ".any")


@makers
def test_a_pipe_is_neither_replaced_nor_waited_for(maker: str) -> None:
    os.mkfifo(output_of(maker))
    sentence = refused(maker, output_of(maker), "it is no regular file")
    assert ("or - for standard output" in sentence) == (maker in TO_STANDARD_OUTPUT)


@makers
def test_a_link_to_a_pipe_stays(maker: str) -> None:
    os.mkfifo("pipe")
    Path(output_of(maker)).symlink_to("pipe")
    refused(maker, output_of(maker), "it is no regular file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a node; the tests with a pipe run for all")
@makers
def test_a_node_of_a_device_stays(maker: str) -> None:
    os.mknod(output_of(maker), stat.S_IFCHR | 0o666, os.makedev(1, 7))  # /dev/full
    refused(maker, output_of(maker), "it is no regular file")


@makers
@pytest.mark.parametrize("output", [".", "folder"])
def test_a_directory_is_no_file(maker: str, output: str) -> None:
    Path("folder").mkdir()
    refused(maker, output, "directory", "name a file")


@makers
def test_no_directory_is_made(maker: str, here: Path) -> None:
    output = output_of(maker, "new/sub/out")
    refused(maker, output, f"the directory {here / 'new/sub'} does not exist; create it, or choose another")


@makers
def test_a_file_is_no_directory(maker: str) -> None:
    Path("file").write_text("mine")
    refused(maker, output_of(maker, "file/out"), "not a directory")


@makers
def test_a_link_that_leads_in_circles(maker: str) -> None:
    Path(output_of(maker)).symlink_to(output_of(maker))
    refused(maker, output_of(maker), "round in circles")


@makers
def test_a_directory_that_may_not_be_written(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "closed")  # root may everything
    refused(maker, output_of(maker, "closed/out"), "no permission to write in", "choose another directory")


@pytest.mark.parametrize("maker", sorted(MAKERS.keys() - TO_STANDARD_OUTPUT))
def test_what_cannot_go_to_standard_output_says_so(maker: str) -> None:
    refused(maker, "-", "name a file")


def test_the_page_goes_to_standard_output() -> None:
    done = CliRunner().invoke(app, [*MAKERS["report"], "-"])
    assert done.exit_code == 0
    assert done.stdout.startswith("<!DOCTYPE html>") or done.stdout.startswith("<!doctype html>")
    assert done.stdout.rstrip().endswith("</html>")
    assert not Path("-").exists()


@pytest.mark.parametrize(("form", "first"), [("jsonl", '{"time":'), ("csv", "Timepoint,")])
def test_text_goes_to_standard_output(form: str, first: str) -> None:
    done = CliRunner().invoke(app, ["export", "good.h5", "-f", form, "-o", "-"])
    assert done.exit_code == 0
    assert done.stdout.startswith(first)
    assert "wrote" in done.stderr
    assert CliRunner().invoke(app, ["export", "good.h5", "-f", form, "-o", f"file.{form}"]).exit_code == 0
    assert Path(f"file.{form}").read_text() == done.stdout


def test_standard_output_has_no_suffix_that_tells_the_format() -> None:
    done = CliRunner().invoke(app, ["export", "good.h5", "-o", "-"])
    assert (done.exit_code, "say which" in done.stderr) == (2, True)
    done = CliRunner().invoke(app, ["export", "good.h5", "-f", "parquet", "-o", "-"])
    assert (done.exit_code, "Parquet is no text" in done.stderr) == (1, True)


@pytest.mark.parametrize("maker", ["report", "export", "import", "recover"])
def test_a_link_leads_to_its_target(maker: str) -> None:
    Path("shelf").mkdir()
    Path("out").symlink_to("shelf/real")
    done = CliRunner().invoke(app, [*MAKERS[maker], "out"])
    assert done.exit_code == 0, done.output
    assert Path("out").is_symlink()
    assert Path("shelf/real").stat().st_size > 100
    assert [path.name for path in Path("shelf").iterdir()] == ["real"]


@pytest.mark.parametrize("output", ["out.h5", "out.any"])
def test_a_monitor_records_through_a_link(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGO_HOST", "127.0.0.1:1")
    Path("shelf").mkdir()
    Path(output).symlink_to(f"shelf/{output}")
    options = ["--wait", "--polls", "2", "-p", "0.1", "-o", output]
    done = CliRunner().invoke(app, ["monitor", "tango://127.0.0.1:1/a/b/c", *options])
    assert done.exit_code in {0, 3}, done.output  # 3: there is no server
    assert Path(output).is_symlink()
    assert [path.name for path in Path("shelf").iterdir()] == [output]
    if output == "out.h5":
        with open_recording(Path("shelf", output)) as recorded:
            assert recorded["polls"]["poll"].tolist() == [1, 2]
    else:
        assert len(Path("shelf", output).read_text().splitlines()) == 2


@pytest.mark.parametrize("output", ["out.h5", "out.any"])
def test_events_are_written_through_a_link(output: str) -> None:
    Path("shelf").mkdir()
    Path(output).symlink_to(f"shelf/{output}")
    event = HeardEvent(1_000, "a/b/c/d.change", 1, 150)
    file = open_events(Path(output))
    file.add(event)
    file.close()
    assert Path(output).is_symlink()
    assert [path.name for path in Path("shelf").iterdir()] == [output]
    assert list(read_events(Path("shelf", output))) == [event]


def test_the_page_replaces_what_a_link_leads_to() -> None:
    Path("shelf").mkdir()
    Path("shelf/real").write_text("last week's")
    Path("out").symlink_to("shelf/real")
    assert CliRunner().invoke(app, [*MAKERS["report"], "out"]).exit_code == 0
    assert Path("out").is_symlink()
    assert Path("shelf/real").read_text().rstrip().endswith("</html>")


@pytest.mark.parametrize("maker", ["export", "import", "recover", "tap", "tap to HDF5"])
def test_nothing_that_a_link_leads_to_is_overwritten(maker: str) -> None:
    Path("real").write_text("mine")
    Path(output_of(maker)).symlink_to("real")
    refused(maker, output_of(maker), "is there already")
    assert Path("real").read_text() == "mine"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("mine"), "it is no directory"),
        (os.mkfifo, "it is no directory"),
        (lambda _: None, "does not exist; create it"),
    ],
)
def test_images_go_to_a_folder(make: Callable[[Path], object], words: str) -> None:
    output = Path("images") if words != "does not exist; create it" else Path("new/images")
    make(output)
    before = tree(Path())
    done = CliRunner().invoke(app, ["report", "good.h5", "--format", "png", "-o", str(output)])
    assert (done.exit_code, words in done.stderr) == (1, True), done.output
    assert tree(Path()) == before
    done = CliRunner().invoke(app, ["report", "good.h5", "--format", "png", "-o", "-"])
    assert (done.exit_code, "several images" in done.stderr) == (1, True)
