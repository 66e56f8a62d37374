"""What every recorder offers, and what a recording says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stem_device.model.mark import Mark
from stem_device.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RecordingContext:
    """What makes a recording understandable alone.

    ``properties`` are the options of the monitor by property name, ``versions`` the software by package name.
    """

    label: str = ""
    targets: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


DEVICE, SERVER = "RecordedByDevice", "RecordedByServer"
"""In ``properties``: the Tango device that records, with its database, and its server."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who made a recording. Without a device (a library, a command) a machine is all that is known."""

    device: str
    server: str
    host: str

    @classmethod
    def of(cls, properties: Mapping[str, str], host: str) -> Owner:
        """As a recording tells it. Upper and lower case are the same in Tango."""
        device, server = properties.get(DEVICE, "").lower(), properties.get(SERVER, "").lower()
        return cls(device, server, "" if device else host.lower())


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """A recording as its user sees it.

    ``path`` is the file being written, or the last one; None before the first recording.
    ``polls``, ``marks`` and ``bytes`` count the whole recording, all of its files together.
    ``error`` is empty, or says why the last recording ended, and what to do; it goes with the next start.
    With ``active`` it says what the recording lacks, which goes on.
    """

    active: bool = False
    path: Path | None = None
    polls: int = 0
    marks: int = 0
    bytes: int = 0
    error: str = ""


class Recorder(Protocol):
    """Writes Snapshots and marks to one file."""

    @property
    def polls(self) -> int:
        """Snapshots written by this recorder."""

    @property
    def bytes_written(self) -> int:
        """Size of the file."""

    def write(self, snapshot: Snapshot) -> None:
        """Append one Snapshot; raises RecordingError. On return it survives the death of the process."""

    def write_mark(self, mark: Mark) -> None:
        """Append one mark, as ``write`` does."""

    def close(self) -> None:
        """End the file; raises RecordingError. Closing twice is no error."""
