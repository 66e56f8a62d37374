"""A monitor's options to an outlet that pushes its polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_device.errors import OptionError
from stem_device.model.options import read_secret
from stem_device.monitor import Monitor

if TYPE_CHECKING:
    from stem_device.opentsdb.pushing import OpenTsdbPusher

OUTLET = "opentsdb"


def push_polls(monitor: Monitor, name: str) -> OpenTsdbPusher | None:
    """Push every poll if the monitor's options say where to; to be called before its ``start``.

    ``name`` is the tag ``monitor`` of every point: the device, or the machine. Raises OptionError for an
    address, a file or a secret that cannot be used.
    """
    options = monitor.options
    if options.open_tsdb_url is None:
        return None
    from stem_device.opentsdb.pushing import OpenTsdbPusher, parse_endpoint  # noqa: PLC0415 - brings TLS along

    secret = read_secret(options, "open_tsdb_token_file")
    try:
        pusher = OpenTsdbPusher(
            parse_endpoint(options.open_tsdb_url),
            {"monitor": name},
            monitor.series,
            authorization=_header(secret.reveal()) if secret else "",
            ca_file=options.open_tsdb_ca_file,
        )
    except OSError as error:
        shown = str(options.open_tsdb_ca_file)
        reason = f"cannot be used: {error.strerror or error}"
        raise OptionError("OpenTsdbCaFile", shown, reason) from error
    monitor.add_consumer(pusher, OUTLET)
    return pusher


def _header(secret: str) -> str:
    """A token alone is one of the kind Bearer. What would end the header is no part of it."""
    if not secret.isascii() or not secret.isprintable():
        raise OptionError("OpenTsdbTokenFile", "...", "must contain one line of plain characters")
    return secret if " " in secret else f"Bearer {secret}"
