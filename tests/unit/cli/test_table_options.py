"""Options of the table on the command line: the same values, defaults and errors as Tango's properties."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("typer")

import typer
from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.cli.table_options import values_of
from stem_device.errors import OptionError
from stem_device.model.options import OPTIONS, Options

pytestmark = pytest.mark.extras

FLAGGED = [spec for spec in OPTIONS if spec.flags]


def parameters() -> dict[str, typer.core.TyperOption]:
    group = typer.main.get_group(app)
    command = group.get_command(typer.Context(group), "monitor")
    assert command is not None
    return {one.name: one for one in command.params if isinstance(one, typer.core.TyperOption)}


def test_every_option_that_has_a_flag_is_one_of_the_command() -> None:
    found = parameters()
    for spec in FLAGGED:
        flags = {name for flag in spec.flags for name in flag.split("/")}
        assert flags == {*found[spec.field].opts, *found[spec.field].secondary_opts}
        assert found[spec.field].help == spec.help
    assert not {spec.field for spec in OPTIONS if not spec.flags} & set(found)


def test_the_defaults_are_those_of_the_table() -> None:
    found = parameters()
    defaults: dict[str, Any] = {spec.field: found[spec.field].default for spec in FLAGGED}
    assert Options(**values_of(defaults)) == Options()


@pytest.mark.parametrize(
    ("flag", "name", "text"),
    [
        ("--poll-period", "PollPeriod", "soon"),
        ("-p", "PollPeriod", "0"),
        ("--timeout", "TargetTimeout", "nan"),
        ("--max-query-share", "MaxQueryShare", "5"),
        ("--queries-per-poll", "QueriesPerPoll", "1.5"),
        ("--overdue-alarm-polls", "OverdueAlarmPolls", "0"),
    ],
)
def test_a_bad_value_is_told_as_that_of_the_property_under_what_was_typed(
    flag: str, name: str, text: str
) -> None:
    with pytest.raises(OptionError) as caught:
        Options.from_lines({name: [text]})
    long = next(spec for spec in FLAGGED if spec.name == name).flags[0]
    result = CliRunner().invoke(app, ["monitor", "a/b/c", flag, text])
    assert result.exit_code == 2
    assert result.output.strip() == f"stem: {str(caught.value).replace(name, long, 1)}"
