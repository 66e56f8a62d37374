"""The keys of the live view, on a real terminal, which is given back at every way out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_device.demo.processes import wait_until
from tests.system.stem_process import PROGRAM

pytest.importorskip("typer")

NOWHERE = ("monitor", "tango://127.0.0.1:1/a/b/c", "--wait", "--poll-period", "0.1")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Console:
    """A terminal with ``stem monitor`` on it, as its controlling process."""

    def __init__(self, folder: Path, *more: str, stdin: int | None = None) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.seen = ""
        os.set_blocking(self.ours, False)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *NOWHERE, *more],
            cwd=folder,
            stdin=self.theirs if stdin is None else stdin,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread is there
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        )

    def read(self) -> str:
        while True:
            try:
                part = os.read(self.ours, 65536)
            except BlockingIOError:
                return self.seen
            except OSError:  # EIO: nobody has the other side open
                return self.seen
            self.seen += part.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.read(), f"{text!r} on the terminal")

    def type(self, keys: str) -> None:
        self.seen = self.read()[-1:]
        os.write(self.ours, keys.encode())

    def wait(self) -> int:
        wait_until(lambda: (self.read(), self.process.poll())[1] is not None, "its end")
        self.read()
        return self.process.returncode


@contextmanager
def console(folder: Path, *more: str, stdin: int | None = None) -> Iterator[Console]:
    one = Console(folder, *more, stdin=stdin)
    try:
        one.wait_for("poll ")
        one.wait_for("ends")
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        os.close(one.ours)
        os.close(one.theirs)


def test_the_keys_do_what_the_footer_says(tmp_path: Path) -> None:
    with console(tmp_path) as one:
        one.wait_for("q ends, s sorts (worst first), p pauses, ? helps")
        one.type("s")
        one.wait_for("s sorts (by name)")
        one.type("s")
        one.wait_for("s sorts (most received first)")
        one.type("?")
        one.wait_for("holds the screen still")
        one.type("x")
        one.wait_for("s sorts (most received first)")
        one.type("p")
        one.wait_for("PAUSED")
        one.type("q")
        assert one.wait() == 0
        assert "polls of" in one.seen.rpartition(LEAVE)[2]


def test_a_screen_that_is_paused_stands_still(tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl"
    with console(tmp_path, "-o", recording.name) as one:
        one.type("p")
        one.wait_for("PAUSED")
        (paused,) = {int(number) for number in re.findall(r"poll (\d+) ", one.read())[-1:]}
        lines = recording.read_text().count("\n")
        wait_until(lambda: recording.read_text().count("\n") > lines + 5, "polls that are recorded")
        one.type("s")
        one.wait_for("by name")
        assert {int(number) for number in re.findall(r"poll (\d+) ", one.seen)} == {paused}
        one.type("p")
        wait_until(
            lambda: any(int(number) > paused + 5 for number in re.findall(r"poll (\d+) ", one.read())),
            "the polls of now",
        )


def twice(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)


WAYS: dict[str, Callable[[Console], object]] = {
    "q": lambda one: one.type("q"),
    "Ctrl-C": lambda one: one.type("\x03"),
    "SIGTERM": lambda one: one.process.terminate(),
    "SIGHUP": lambda one: one.process.send_signal(signal.SIGHUP),
    "two signals": lambda one: twice(one.process),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_terminal_is_given_back(tmp_path: Path, way: str) -> None:
    with console(tmp_path) as one:
        assert termios.tcgetattr(one.theirs) != one.before
        WAYS[way](one)
        code = one.wait()
        assert code in {0, -signal.SIGTERM, -signal.SIGINT} if way == "two signals" else code == 0
        assert termios.tcgetattr(one.theirs) == one.before
        assert LEAVE in one.seen
        assert "Traceback" not in one.seen


def test_a_run_that_ends_by_itself_gives_it_back(tmp_path: Path) -> None:
    with console(tmp_path, "--polls", "8") as one:
        assert one.wait() == 0
        assert termios.tcgetattr(one.theirs) == one.before


def test_where_nobody_types_the_terminal_stays_as_it_is(tmp_path: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        with console(tmp_path, stdin=null) as one:
            one.wait_for("Ctrl-C ends")
            assert termios.tcgetattr(one.theirs) == one.before
            one.type("q")
            one.wait_for("poll ")
            assert one.process.poll() is None
    finally:
        os.close(null)
