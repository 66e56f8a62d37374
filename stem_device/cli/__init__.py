"""The command ``stem``. Importable without typer and rich, which are the extra "cli"."""

from __future__ import annotations

import sys

from stem_device.cli.process import (
    end_at_once_if_calls_are_under_way,
    let_interrupts_end,
    open_streams,
    version_line,
)


def main() -> None:
    """Run ``stem``; without the extra say how to install it, and exit with a code of its own."""
    let_interrupts_end()
    open_streams()
    if sys.argv[1:] == ["--version"]:  # scripts ask this often, and need no typer for the answer
        sys.exit(_told(version_line()))
    try:
        from stem_device.cli.app import app  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich", "click"}:
            raise
        sys.exit(_missing_extra())
    try:
        app()
    except SystemExit as ended:
        end_at_once_if_calls_are_under_way(ended.code if isinstance(ended.code, int) else 0)
        raise


def _told(line: str) -> int:
    """Write it; the exit code."""
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except OSError as error:
        from stem_device.cli.failures import stream_failed  # noqa: PLC0415 - imports typer

        return stream_failed(error)
    return 0


def _missing_extra() -> int:
    from stem_device.cli.exit_codes import ExitCode  # noqa: PLC0415 - not before interrupts are let end
    from stem_device.errors import MissingExtraError  # noqa: PLC0415

    print(f"stem: {MissingExtraError('cli', 'the command stem')}", file=sys.stderr)
    return ExitCode.MISSING_EXTRA
