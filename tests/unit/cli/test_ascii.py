"""Where a terminal or a log takes ASCII alone, texts get poorer, and nothing fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("typer")

from stem_device.cli.process import open_streams
from tests.unit.synthetic_recording import Plan, write_recording

pytestmark = pytest.mark.extras

STEM = "from stem_device.cli import main; main()"
ACCENTED = "tango://127.0.0.1:1/a/b/\N{LATIN SMALL LETTER U WITH DIAERESIS}"
COMMANDS = (
    ("--help",),
    ("monitor", "--help"),
    ("monitor", ACCENTED, "--wait", "--polls", "2", "-p", "0.05"),
    ("check", ACCENTED),
    ("stats", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("stats", "\N{GREEK SMALL LETTER ALPHA}.h5", "--json"),
    ("why", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("runs", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("compare", "\N{GREEK SMALL LETTER ALPHA}.h5", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("validate", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("export", "\N{GREEK SMALL LETTER ALPHA}.h5", "-f", "csv", "-o", "-"),
    ("report", "\N{GREEK SMALL LETTER ALPHA}.h5", "-o", "\N{GREEK SMALL LETTER BETA}.html"),
    ("who", "--help"),
    ("who", ACCENTED),
    ("doctor", "--help"),
    ("doctor", f"{ACCENTED}/x"),
    ("tap", "--help"),
    ("tap", ACCENTED, "--seconds", "0.2"),
    ("tap", ACCENTED, "-o", "\N{GREEK SMALL LETTER ALPHA}.h5"),
    ("replay", "--help"),
    ("trace", "--help"),
    ("trace", "--", "\N{GREEK SMALL LETTER ALPHA}"),
    ("register", "--dry-run", "--target", "a/b/\N{LATIN SMALL LETTER U WITH DIAERESIS}"),
)  # fmt: skip

FAILS = {"who", "doctor", "tap", "trace"}
"""What these are asked for is not there: they say so, which is what is looked at."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ascii")
    plan = Plan(polls=5, servers=2, streams=1, subscriptions=1, samples=2)
    write_recording(made / "\N{GREEK SMALL LETTER ALPHA}.h5", plan)
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: ascii(" ".join(command)))
@pytest.mark.parametrize("terminal", [False, True])
def test_every_command_that_prints_goes_on(folder: Path, command: tuple[str, ...], terminal: bool) -> None:
    colours = {"FORCE_COLOR": "1", "TERM": "xterm"} if terminal else {}
    ended = subprocess.run(
        [sys.executable, "-c", STEM, *command],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C.UTF-8"} | colours,
    )
    told = ended.stderr.decode("ascii")
    assert "Traceback" not in told
    failed = command[0] in FAILS and command[1] != "--help"
    assert ended.returncode in ({1, 3} if failed else {0, 3}), told  # 3: there is no server
    if failed:
        assert "stem: " in told or b"Broken" in ended.stdout
    ended.stdout.decode("ascii")
    if "--json" in command:
        json.loads(ended.stdout)


def test_what_stands_for_what() -> None:
    program = (
        "from stem_device.cli.process import open_streams; open_streams();"
        "print('\\u2265 5 \\u2026 \\u00b5s \\u2588 \\u4e2d')"
    )
    told = subprocess.check_output(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert told == b">= 5 ~ us # ?\n"


def test_streams_of_a_caller_that_are_no_files_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    class Captured:
        def write(self, _text: str) -> int:
            return 0

    captured = Captured()
    monkeypatch.setattr(sys, "stdout", captured)
    open_streams()
    assert sys.stdout is captured
