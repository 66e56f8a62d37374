"""The recording."""

from __future__ import annotations

from stem_device.device.attributes.spec import AttributeSpec
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text

RECORDING: tuple[AttributeSpec, ...] = (
    AttributeSpec(
        name="recording",
        dtype="DevBoolean",
        label="Recording",
        unit="boolean",
        doc="Whether a recording is running.",
        value=lambda view: view.recording.active,
    ),
    AttributeSpec(
        name="recordingPath",
        dtype="DevString",
        label="Recording path",
        unit="text",
        format="%s",
        doc="File of the recording that is running, or of the last one; empty before the first.",
        value=lambda view: tango_text(str(view.recording.path or ""), 4096),
    ),
    AttributeSpec(
        name="recordedPolls",
        dtype="DevULong64",
        label="Recorded polls",
        unit="polls",
        format="%d",
        doc="Polls in the files of the recording that is running, or of the last one; not those that wait "
        "for the disk.",
        value=lambda view: view.recording.polls,
    ),
    AttributeSpec(
        name="recordedMarks",
        dtype="DevULong64",
        label="Recorded marks",
        unit="marks",
        format="%d",
        doc="Marks of runs in the recording that is running, or in the last one.",
        value=lambda view: view.recording.marks,
    ),
    AttributeSpec(
        name="unrecordedMarks",
        dtype="DevULong64",
        label="Marks not recorded",
        unit="marks",
        format="%d",
        doc="Marks of runs that came while nothing was recorded or could not be written, since the start "
        "or Init.",
        value=lambda view: view.unrecorded_marks,
    ),
    AttributeSpec(
        name="recordedBytes",
        dtype="DevULong64",
        label="Recorded bytes",
        unit="bytes",
        format="%d",
        doc="Size of the recording that is running, or of the last one.",
        value=lambda view: view.recording.bytes,
    ),
    AttributeSpec(
        name="recordingError",
        dtype="DevString",
        label="Recording error",
        unit="text",
        format="%s",
        doc="Why the recording failed: the disk, or another program that removed, replaced, cut or overwrote "
        "the file; empty if it did not. State is ALARM until StartRecording succeeds. Or how many polls the "
        "recording lacks, since the disk did not keep up; State is ALARM until AlarmHoldTime after the last.",
        value=lambda view: tango_text(view.recording.error, MAX_SENTENCE_CHARACTERS),
    ),
)
