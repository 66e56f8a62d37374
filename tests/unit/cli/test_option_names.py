"""One letter, one meaning; the names of before; and that the reference page has every option."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("typer")

import typer
from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.cli.commands import SUMMARIES
from stem_device.cli.old_names import OLD_NAMES, renamed

pytestmark = pytest.mark.extras

PAGE = (Path(__file__).parents[3] / "docs/reference/command-line.md").read_text()
SECTIONS = dict(re.findall(r"^## stem (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def parameters(command: str) -> list[typer.core.TyperOption]:
    group = typer.main.get_group(app)
    found = group.get_command(typer.Context(group), command)
    assert found is not None
    return [one for one in found.params if isinstance(one, typer.core.TyperOption) and not one.hidden]


def test_a_letter_means_the_same_in_every_command() -> None:
    meanings = defaultdict(set)
    for command in SUMMARIES:
        for option in parameters(command):
            long = next(name for name in option.opts if name.startswith("--"))
            for name in option.opts:
                if not name.startswith("--"):
                    meanings[name].add(long)
    assert {letter: names for letter, names in meanings.items() if len(names) > 1} == {}
    assert meanings["-n"] == {"--limit"}
    assert meanings["-o"] == {"--output"}


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_page_has_the_options_that_there_are(command: str) -> None:
    documented = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", SECTIONS[command]))
    missing = [option.opts for option in parameters(command) if not documented & {*option.opts}]
    assert missing == []
    there = {name for option in parameters(command) for name in (*option.opts, *option.secondary_opts)}
    assert {name for name in documented if name.startswith("--")} - there == set()


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [(command, old, new) for command, names in OLD_NAMES.items() for old, new in names.items()],
)
def test_an_old_name_is_understood_and_told(
    command: str, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(renamed(command, [old, "7"], {new})) == [new, "7"]
    attached = f"{old}=7" if old.startswith("--") else f"{old}7"
    assert list(renamed(command, ["x", attached], {new})) == ["x", f"{new}=7"]
    assert capsys.readouterr().err == 2 * (
        f"stem: {old} is now {new}; the next version will no longer know the old name\n"
    )
    assert any(new in option.opts for option in parameters(command))
    assert all(old not in option.opts for option in parameters(command))


@pytest.mark.parametrize("arguments", [["--error", "-n"], ["--", "-n"], ["--error=-n"]])
def test_a_value_is_no_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert list(renamed("mark", arguments, {"--error"})) == arguments
    assert capsys.readouterr().err == ""


def test_the_command_line_takes_them() -> None:
    told = CliRunner().invoke(app, ["register", "--dry-run", "-t", "a/b/c", "-t", "d/e/f"])
    assert told.exit_code == 0
    assert '"a/b/c"' in told.stdout
    assert '"d/e/f"' in told.stdout
    assert told.stderr.count("-t is now --target") == 2
