"""The command ``stem``. Importable without typer and rich, which are the extra "cli"."""

from __future__ import annotations

import sys

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.process import end_at_once_if_calls_are_under_way, open_streams
from stem_device.errors import MissingExtraError


def main() -> None:
    """Run ``stem``; without the extra say how to install it, and exit with a code of its own."""
    open_streams()
    try:
        from stem_device.cli.app import app  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich", "click"}:
            raise
        print(f"stem: {MissingExtraError('cli', 'the command stem')}", file=sys.stderr)
        sys.exit(ExitCode.MISSING_EXTRA)
    try:
        app()
    except SystemExit as ended:
        end_at_once_if_calls_are_under_way(ended.code if isinstance(ended.code, int) else ExitCode.OK)
        raise
