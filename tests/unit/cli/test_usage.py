from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner, Result

from stem_device.cli.app import app

pytestmark = pytest.mark.extras


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"TANGO_HOST": "127.0.0.1:1", "COLUMNS": "120"})


@pytest.mark.parametrize("command", ["monitor", "check", "mark", "register", "demo"])
def test_help_teaches_by_example(command) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples" in result.output
    assert f"stem {command}" in result.output


def test_help_and_version_do_not_wait_for_tango() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from stem_device.cli.app import app;"
        "assert CliRunner().invoke(app, ['monitor', '--help']).exit_code == 0;"
        "assert CliRunner().invoke(app, ['--version']).exit_code == 0;"
        "assert not {'tango', 'numpy', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.startswith("stem-device ")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["monitor"], "DEVICE"),
        (["monitor", "a/b/c", "--poll-period", "0"], "0.01"),
        (["monitor", "a/b/c", "--poll-period", "soon"], "poll-period"),
        (["monitor", "a/b/c", "-p", "nan"], "poll-period"),
        (["monitor", "a/b/c", "--polls", "-1"], "polls"),
        (["monitor", "a/b/c", "--nonsense"], "--nonsense"),
        (["check", "-t", "0"], "timeout"),
        (["nonsense"], "nonsense"),
        (["demo", "--seconds", "-1"], "seconds"),
        (["replay", "a.jsonl", "--settle", "inf"], "settle"),
        (["tap", "a/b/c", "--topic", ""], "--topic"),
        (["replay", "a.jsonl", "--port", "70000"], "x<=65535"),
    ],
)
def test_wrong_usage(arguments, part) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert part in result.output


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["monitor", " "], "stem: DEVICE: "),
        (["check", ""], "stem: DEVICE: "),
        (["tap", "a b"], "stem: SERVER: "),
        (["register", "--target", ""], "stem: --target: "),
        (["monitor", "a/b/c", "-o", "run.h5", "-a"], "cannot be appended to"),
        (["monitor", "a/b/c", "-o", "there.jsonl"], "is there already"),
        (["register", "--dry-run", "-P", "PollPeriod"], "NAME=VALUE"),
        (["register", "--dry-run", "-P", "Nonsense=1"], "Nonsense"),
        (["register", "--dry-run", "-P", "PollPeriod=soon"], "PollPeriod"),
        (["register", "--dry-run", "nonsense"], "domain/family/member"),
    ],
)
def test_options_that_cannot_be_used(arguments, part, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.jsonl").write_text("mine\n")
    result = run(*arguments)
    assert result.exit_code == 2
    assert part in result.output
    assert (tmp_path / "there.jsonl").read_text() == "mine\n"


def test_a_file_that_cannot_be_made_ends_the_command(tmp_path) -> None:
    result = run("monitor", "a/b/c", "-o", str(tmp_path / "nowhere" / "run.jsonl"))
    assert result.exit_code == 1
    assert "nowhere" in result.output


def test_register_prints_what_dsconfig_reads() -> None:
    result = run(
        "register", "--dry-run", "--target", "lab/*/*", "--target", "a/b/c", "-P", "PollPeriod=1", "-i", "lab"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "servers": {
            "EventMonitor/lab": {
                "EventMonitor": {
                    "sys/eventmon/1": {
                        "properties": {"TargetDevices": ["lab/*/*", "a/b/c"], "PollPeriod": ["1"]}
                    }
                }
            }
        }
    }


def test_register_without_a_database_says_so() -> None:
    result = run("register", "--target", "a/b/c")
    assert result.exit_code == 1
    assert "TANGO_HOST" in result.output
