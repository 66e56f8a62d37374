"""``stem`` and its subcommands, put together."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stem_device.cli.commands import SUMMARIES, Subcommand, paragraphs
from stem_device.cli.failures import streams_told
from stem_device.cli.old_names import renamed
from stem_device.cli.process import version_line
from stem_device.cli.values import Kind, kinds_of
from stem_device.model.limits import DEFAULT_MAX_READ_BYTES, MAX_READ_BYTES


def _with_kinds(parameters: list[Any], function: Callable[..., Any]) -> list[Any]:
    """``parameters`` of ``function``, and typer's own (--help), whose values :mod:`.values` converts."""
    kinds = kinds_of(function)
    for parameter in parameters:
        kind = Kind(bool) if getattr(parameter, "is_flag", False) else kinds.get(parameter.name)
        if kind is not None:
            parameter._runtime_param = kind
    return parameters


class _Command(TyperCommand):
    def get_params(self, context: Any) -> list[Any]:
        return _with_kinds(super().get_params(context), inspect.unwrap(self.callback))  # type: ignore[arg-type]

    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        with_value = {
            name
            for parameter in self.params
            if not getattr(parameter, "is_flag", True)
            for name in parameter.opts
        }
        return super().parse_args(context, [*renamed(self.name or "", args, with_value)])


class Stem(TyperGroup):
    """Loads a subcommand when it is asked for, and knows the sentences of all."""

    def get_params(self, context: Any) -> list[Any]:
        return _with_kinds(super().get_params(context), stem)

    def list_commands(self, _context: Any) -> list[str]:
        return [*SUMMARIES]

    def get_command(self, _context: Any, name: str) -> Any:
        if name not in SUMMARIES:
            return None
        if name not in self.commands:
            self.commands[name] = _command(name)
        return self.commands[name]

    def resolve_command(self, context: Any, arguments: list[str]) -> Any:
        for name in SUMMARIES if arguments and arguments[0] not in SUMMARIES else ():
            self.get_command(context, name)  # to say which of them may be meant
        return super().resolve_command(context, arguments)

    def format_commands(self, _context: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*SUMMARIES.items()])

    def main(self, *arguments: Any, **more: Any) -> Any:
        with streams_told():
            return super().main(*arguments, **more)


def _command(name: str) -> Any:
    """As typer makes it of the function; there is one, so that it is no group."""
    subcommand = Subcommand(name)
    alone = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=_HELP)
    alone.command(name, cls=_Command, help=subcommand.help, epilog=subcommand.epilog)(subcommand.function)
    return get_command(alone)


_HELP = {"help_option_names": ["-h", "--help"]}

# Without rich, which takes longer to import than all the rest of --help, and draws boxes in pipes.
app = typer.Typer(
    cls=Stem,
    name="stem",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
    epilog="New here? stem demo starts a little Tango system that loses events.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(version_line())
        raise typer.Exit


def stem(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-read-bytes",
            min=1,
            metavar="N",
            envvar=MAX_READ_BYTES,
            help=f"Memory that a recording may make its reader take, unless the file itself is as large. "
            f"Default: {DEFAULT_MAX_READ_BYTES}.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Count the Tango events that were published, received and missed.

    Tango servers from version 10.1 on tell what they published and received (the command QueryEventSystem of
    their admin devices). stem asks them, does the arithmetic, and says who misses what from whom.
    """
    if max_bytes is not None:
        os.environ[MAX_READ_BYTES] = str(max_bytes)  # also for the processes that check and recover


app.callback(help=paragraphs(stem.__doc__))(stem)
