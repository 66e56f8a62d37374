"""Options of recording: where to, when, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stem_device.model.options.kinds import Bytes, Count, FilePath, Flag
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class RecordingOptions(OptionGroup):
    """What :class:`stem_device.recording.RecordingSession` needs; on the command line it is ``-o``."""

    recording_directory: Path = option(
        Path(),
        FilePath("directory"),
        "The only directory that recordings are written to; it has to exist when a recording starts.",
        flags=(),
    )
    record_on_start: bool = option(
        False, Flag(), "Whether to start a recording when the device starts.", flags=()
    )
    max_recording_bytes: int = option(
        1_000_000_000,
        Bytes(3_000_000, or_zero=True),
        "Size at which a recording goes on in the next file; 0 for no limit, otherwise at least 3000000.",
        flags=(),
    )
    keep_recordings: int = option(
        0,
        Count(0),
        "How many recordings to keep: the oldest of this device are removed, no others; 0 keeps all.",
        flags=(),
    )
