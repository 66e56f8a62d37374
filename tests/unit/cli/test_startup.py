"""What a command imports before it works: not how long it takes, but what would make it take long."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("typer")

from stem_device.cli.commands import SUMMARIES, Subcommand

pytestmark = pytest.mark.extras

HEAVY = ("h5py", "numpy", "pandas", "plotly", "polars", "pyarrow", "rich", "scipy", "tango")
NOWHERE = "tango://127.0.0.1:1/a/b/c"
PROGRAM = """
import atexit, sys
heavy = sys.argv.pop(1).split(",")
atexit.register(lambda: print("imported:", *sorted({n.partition(".")[0] for n in sys.modules} & {*heavy})))
from stem_device.cli import main
main()
"""


def imported(*arguments: str, among: tuple[str, ...] = HEAVY) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(among), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "imported:" in ended.stdout, ended.stderr
    return ended.stdout.splitlines()[-1].split()[1:]


def test_the_version_needs_no_typer() -> None:
    assert imported("--version", among=(*HEAVY, "typer", "pydantic", "msgspec")) == []


def test_the_help_needs_neither_tables_nor_what_converts_values() -> None:
    assert imported("--help", among=(*HEAVY, "pydantic", "msgspec")) == []


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_help_of_a_command_needs_nothing_that_the_command_needs(command: str) -> None:
    assert imported(command, "--help", among=(*HEAVY, "pydantic", "msgspec")) == []


def test_a_check_needs_tango_and_what_that_needs() -> None:
    assert imported("check", NOWHERE, among=(*HEAVY, "pydantic")) == ["numpy", "tango"]


def test_a_check_loads_no_monitor_and_no_recorder() -> None:
    program = (
        "import sys; import stem_device.cli.check_session;"
        "print({n for n in sys.modules if n.startswith(('stem_device.monitor', 'stem_device.recording'))})"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_list_of_commands_says_what_each_says_of_itself(command: str) -> None:
    assert Subcommand(command).help.splitlines()[0] == SUMMARIES[command]
