"""The file of ``stem monitor -o``: every Snapshot, until it fails."""

from __future__ import annotations

from pathlib import Path

from stem_device.errors import OptionError, RecordingError, StemError
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor.context import recording_context
from stem_device.recording import Hdf5Recorder, JsonLinesRecorder, Recorder
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.output_path import output_file, refuse_standard_output

HDF5_SUFFIXES = (".h5", ".hdf5", ".nxs")


class OutputFile:
    """Writes Snapshots to one file, behind an outlet; a symbolic link leads to it.

    ``error`` is the first one that writing or closing met.
    Raises OptionError if the file is there already (without ``append``) or cannot be appended to,
    RecordingError if it cannot be made, MissingExtraError if it needs a package that is not installed.
    """

    def __init__(self, path: Path, options: Options, *, append: bool = False) -> None:
        refuse_standard_output(path, "it shows the polls")
        self.path = output_file(path)
        self.error = ""
        self._existed = self.path.exists()
        self._recorder: Recorder = self._open(options, append)

    def _open(self, options: Options, append: bool) -> Recorder:
        hdf5 = self.path.suffix.lower() in HDF5_SUFFIXES
        if hdf5 and append:
            raise OptionError(
                "--append",
                str(self.path),
                "HDF5 files cannot be appended to; record to a new file, or to JSON lines",
            )
        if self._existed and not append:
            raise OptionError(
                "--output",
                str(self.path),
                "the file is there already; choose another, or append with -a",
            )
        if hdf5:
            return Hdf5Recorder(self.path, recording_context("", options), explain=explain_output)
        return JsonLinesRecorder(self.path, append=append)

    @property
    def polls(self) -> int:
        return self._recorder.polls

    @property
    def bytes_written(self) -> int:
        return self._recorder.bytes_written

    def take(self, snapshot: Snapshot) -> None:
        """Write one Snapshot; after the first failure nothing more. Raises StemError."""
        if self.error:
            raise StemError(self.error)
        try:
            self._recorder.write(snapshot)
        except RecordingError as error:
            self.error = self.error or str(error)
            raise

    def close(self) -> None:
        try:
            self._recorder.close()
        except RecordingError as error:
            self.error = self.error or str(error)

    def discard(self) -> None:
        """Close it, and remove it if it was made for nothing."""
        self.close()
        if not self._existed:
            self.path.unlink(missing_ok=True)
