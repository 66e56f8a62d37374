"""Keeps the targets in the device property, so that AddTarget and RemoveTarget outlive a restart."""

from __future__ import annotations

from collections.abc import Sequence

import tango

PROPERTY = "TargetDevices"


def keep_targets(device: str, targets: Sequence[str]) -> str:
    """Write the property; returns why that failed, or nothing."""
    # Without a database (-nodb) Tango has no place for properties at all.
    if not tango.Util._UseDb:
        return "the server runs without a database"
    database = tango.Util.instance().get_database()
    try:
        if targets:
            database.put_device_property(device, {PROPERTY: list(targets)})
        else:
            database.delete_device_property(device, {PROPERTY: []})
    except tango.DevFailed as error:
        return str(error.args[0].desc)
    return ""
