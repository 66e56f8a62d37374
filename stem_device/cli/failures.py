"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from stem_device.cli.exit_codes import ExitCode, exit_code
from stem_device.errors import StemError


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn errors of this package into ``stem: ...`` on standard error and an exit code.

    A reader who goes away (``stem ... | head``) is no failure: the command ends quietly.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # a failure at Python's own way out would be told as one of Python
    except StemError as error:
        tell(str(error))
        raise typer.Exit(exit_code(error)) from error
    except BrokenPipeError as error:
        silence_stdout()
        raise typer.Exit(ExitCode.OK) from error
    except OSError as error:
        if error.filename is not None:  # no failure of a standard stream
            raise
        silence_stdout()
        tell(f"standard output cannot be written: {error.strerror}")
        raise typer.Exit(ExitCode.FAILED) from error


def tell(message: str) -> None:
    """Write ``stem: message`` to standard error, where it disturbs nobody who reads the lines."""
    with suppress(OSError):
        print(f"stem: {message}", file=sys.stderr, flush=True)


def silence_stdout() -> None:
    """Send what is still buffered nowhere: its flush at the end must not fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
