"""Names of devices for the completion of the shell, from the database of ``TANGO_HOST``."""

from __future__ import annotations

import threading

PATIENCE_SECONDS = 2.0
"""A person waits for this in front of a line that is half typed: better nothing than a shell that hangs."""
_MOST = 1000


def device_names(incomplete: str) -> list[str]:
    """The exported devices that begin so; none if the database does not answer in time."""
    found: list[str] = []
    asking = threading.Thread(target=_ask, args=(incomplete, found), daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return found[:_MOST]


def _ask(incomplete: str, found: list[str]) -> None:
    import tango  # noqa: PLC0415 - takes long, and no other completion needs it

    try:
        names = tango.Database().get_device_exported(f"{incomplete}*")
    except tango.DevFailed:
        return
    begun = incomplete.lower()  # names are the same in either case, and come as they were registered
    known = (name for name in names if name.isprintable() and name.lower().startswith(begun))
    found.extend(incomplete + name[len(incomplete) :] for name in known)
