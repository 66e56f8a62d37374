"""What a recording must say about its maker to be understood alone."""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from stem_device.model.options import Options
from stem_device.recording import RecordingContext

PACKAGES = ("stem-device", "pytango", "h5py", "numpy", "msgspec")


def recording_context(label: str, options: Options, recorded_by: Mapping[str, str] = {}) -> RecordingContext:
    """Gather host, versions, properties and targets at the moment a recording begins.

    ``recorded_by`` goes into the properties: see :class:`stem_device.recording.recorder.Owner`.
    """
    return RecordingContext(
        label=label,
        targets=options.target_devices,
        properties={name: "\n".join(lines) for name, lines in options.lines().items()} | dict(recorded_by),
        host=socket.gethostname(),
        versions={"python": platform.python_version()} | _installed(),
    )


def _installed() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an optional part
            continue
    return found
