"""Wait for the database at the start of the server: Tango itself would end the process without it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import tango

PAUSE_SECONDS = 2.0

NO_DATABASE_OPTIONS = ("-nodb", "-file", "-?", "-h", "-help")
"""Beginnings of arguments with which Tango needs no database, or does not start at all."""

_DOWN = "API_CantConnectToDatabase"


def wait_for_database(
    arguments: Sequence[str],
    *,
    connect: Callable[[], object] = tango.Database,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the database of ``TANGO_HOST`` answers, or at once if the server does not need it.

    Any other trouble than a database that is down (``TANGO_HOST`` is not set, say) is left to Tango to tell.
    """
    if any(argument.startswith(NO_DATABASE_OPTIONS) for argument in arguments):
        return
    told = False
    while (reason := _why_not(connect)) is not None:
        if not told:
            message = f"{reason} Waiting for it; Ctrl-C ends."
            print(message, file=sys.stderr, flush=True)  # noqa: T201 - before Tango's own log begins
        told = True
        sleep(PAUSE_SECONDS)


def _why_not(connect: Callable[[], object]) -> str | None:
    """What keeps the server from starting and will pass by itself; None if nothing does."""
    try:
        connect()
    except tango.DevFailed as error:
        causes = {cause.reason: cause.desc for cause in error.args}
        return str(causes[_DOWN]).strip().rstrip(".") + "." if _DOWN in causes else None
    return None
