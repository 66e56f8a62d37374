"""The process as a whole: output that cannot be written, streams that are closed, threads that hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")

pytestmark = pytest.mark.extras

STEM = "from stem_device.cli import main; main()"
# The name of a shell is taken from --show-completion, and not from the processes above, which may have none.
ENVIRONMENT = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
CHECK = ("check", "tango://127.0.0.1:1/a/b/c")


def shell(program: str, redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program by a shell, with ``redirections`` as one would type them."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-c", program, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [CHECK, ("monitor", *CHECK[1:], "--wait", "--polls", "1")])
def test_a_full_disk_behind_standard_output_is_told(command: tuple[str, ...]) -> None:
    ended = shell(STEM, ">/dev/full", *command)
    assert ended.returncode == 1
    assert ended.stderr == "stem: standard output cannot be written: No space left on device\n"


TELLING = [
    ("--help",),
    ("--version",),
    ("-h",),
    ("monitor", "--help"),
    ("stats", "-h"),
    ("--show-completion", "bash"),
]
telling = pytest.mark.parametrize("command", TELLING, ids=" ".join)


@telling
def test_help_that_cannot_be_written_is_told_like_results(command: tuple[str, ...]) -> None:
    ended = shell(STEM, ">/dev/full", *command)
    assert ended.returncode == 1
    assert ended.stderr == "stem: standard output cannot be written: No space left on device\n"


@telling
def test_a_reader_of_the_help_may_go_away(command: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", STEM, *command],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("redirections", ["2>/dev/full", "2>&-", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("arguments", [("no-such-command",), ("monitor",), ("monitor", "a/b/c", "-p", "0")])
def test_wrong_usage_that_cannot_be_told_is_wrong_usage(
    redirections: str, arguments: tuple[str, ...]
) -> None:
    ended = shell(STEM, redirections, *arguments)
    assert (ended.returncode, ended.stderr) == (2, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str) -> None:
    assert shell(STEM, closed, *CHECK).returncode == 3


def test_a_file_does_not_take_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        "import os, sys; from stem_device.cli.process import open_streams; open_streams();"
        "file = open(sys.argv[1], 'w'); assert file.fileno() > 2; os.write(1, b'lost'); print('lost')"
    )
    ended = shell(program, "<&- >&-", str(tmp_path / "file"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(("hangs", "code"), [(True, 7), (False, 0)])
def test_only_a_thread_that_hangs_ends_the_process_early(hangs: bool, code: int) -> None:
    program = (
        "import threading; from stem_device.cli.process import end_at_once_if_calls_are_under_way as end;"
        f"hang = threading.Event(); hang.set() if not {hangs} else None;"
        "threading.Thread(target=hang.wait, daemon=True).start();"
        "print('told', end=''); end(7)"
    )
    ended = shell(program, "")
    assert (ended.returncode, ended.stdout) == (code, "told")
