"""Recordings of Snapshots: HDF5 for analysis, JSON lines for reading along."""

from stem_device.recording.hdf5 import Hdf5Recorder
from stem_device.recording.jsonl import JsonLinesRecorder
from stem_device.recording.recorder import Recorder, RecordingContext, RecordingStatus
from stem_device.recording.session import RecordingSession

__all__ = [
    "Hdf5Recorder",
    "JsonLinesRecorder",
    "Recorder",
    "RecordingContext",
    "RecordingSession",
    "RecordingStatus",
]
