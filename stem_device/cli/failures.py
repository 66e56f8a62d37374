"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

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
    except OSError as error:
        raise typer.Exit(stream_failed(error)) from error


@contextmanager
def streams_told() -> Iterator[None]:
    """The same for what is written outside of the commands: help, and errors of usage."""
    try:
        yield
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):  # typer makes a failure of that
            raise
        sys.exit(stream_failed(ended.__context__))
    except OSError as error:
        wrong_usage = getattr(error.__context__, "exit_code", None)  # which could not be told
        if wrong_usage is None:
            sys.exit(stream_failed(error))
        silence(sys.stderr)
        sys.exit(wrong_usage)


def stream_failed(error: OSError) -> ExitCode:
    """The exit code where a standard stream cannot be written; tells why. Raises other errors again."""
    if error.filename is not None:
        raise error
    silence(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return ExitCode.OK
    tell(f"standard output cannot be written: {error.strerror}")
    return ExitCode.FAILED


def tell(message: str) -> None:
    """Write ``stem: message`` to standard error, where it disturbs nobody who reads the lines."""
    try:
        print(f"stem: {message}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Send what is still buffered nowhere: where its flush at the end fails again, Python exits with 120."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
