"""A recording, or what is selected of it, in another format."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path

from stem_device.errors import OptionError
from stem_device.reading.exporting.json_lines import write_json_lines
from stem_device.reading.exporting.tables import write_csv, write_long_parquet, write_parquet_tables
from stem_device.reading.publish import published_when_complete
from stem_device.reading.recording import Recording
from stem_device.recording.output_path import STANDARD_OUTPUT, refuse_standard_output

_COMPRESSED = (".gz", ".zst")


class Format(enum.StrEnum):
    """What to export to."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".jsonl": Format.JSONL,
    ".json": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


def format_of(path: Path) -> Format:
    """By the suffix; raises OptionError for one that is none."""
    if path == STANDARD_OUTPUT:
        raise OptionError("--format", "", "for standard output say which: jsonl or csv")
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix
    if suffix.lower() not in _SUFFIXES:
        raise OptionError("--format", str(path), f"the name must end in {', '.join(_SUFFIXES)}, or say which")
    return _SUFFIXES[suffix.lower()]


def export(
    recording: Recording,
    output: Path | str,
    form: Format | None = None,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Write ``recording``, which may be a view, to the new file ``output``; returns how many lines or rows.

    ``-`` is standard output, for text, whose ``form`` must be given. Text is compressed if the name ends in
    ``.gz`` or ``.zst``. Parquet to a name without suffix makes a directory with a file for each table,
    otherwise a long table as CSV has. ``progress`` is called with the share that is done. Raises
    RecordingError if ``output`` is there already or cannot be written, OptionError if its format is not
    known, UnreadableRecordingError if the recording is damaged, MissingExtraError for packages that are not
    installed, NoPollError where neither polls nor marks are selected; nothing is left then.
    """
    if not len(recording["marks"]):
        recording.check_polls()
    output = Path(output)
    form = form or format_of(output)
    tell = progress or (lambda _: None)
    if output == STANDARD_OUTPUT and form is not Format.PARQUET:
        write_text = write_json_lines if form is Format.JSONL else write_csv
        return write_text(recording, output, tell)
    refuse_standard_output(output, "Parquet is no text")
    with published_when_complete(output, or_standard_output=form is not Format.PARQUET) as hidden:
        if form is Format.JSONL:
            return write_json_lines(recording, hidden, tell)
        if form is Format.CSV:
            return write_csv(recording, hidden, tell)
        write = write_long_parquet if output.suffix else write_parquet_tables
        return write(recording, hidden, tell)
