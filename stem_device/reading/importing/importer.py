"""JSON lines to a recording: parse, replay, account, record; what cannot be used is told by line."""

from __future__ import annotations

import codecs
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct, structs

from stem_device.accounting import Ledger
from stem_device.errors import OptionError, RecordingError, shown_path
from stem_device.model.mark import Mark
from stem_device.model.poll import Failure
from stem_device.model.snapshot import Snapshot
from stem_device.reading.importing.lines import Lines
from stem_device.reading.importing.parsing import Given, PollLine, objects_of, parse_line
from stem_device.reading.importing.replay import Replay, ReplayClock
from stem_device.reading.publish import published_when_complete
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.hdf5 import new_recording
from stem_device.recording.output_path import refuse_standard_output

MAX_SENTENCES = 100
_NAN = float("nan")


class Imported(Struct, frozen=True):
    """What became of the lines. ``skipped`` lines could not be used, ``mended`` ones only after a repair.

    ``notes`` say which lines, and why: the first MAX_SENTENCES of them, and how many more there are.
    """

    polls: int
    marks: int
    skipped: int
    mended: int
    notes: tuple[str, ...]


@dataclass
class _Notes:
    """Sentences, of bounded number."""

    sentences: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, what: str) -> None:
        if len(self.sentences) < MAX_SENTENCES:
            self.sentences.append(f"{where}: {what}")
        else:
            self.more += 1

    def all(self) -> tuple[str, ...]:
        return (*self.sentences, *([f"and {self.more} more"] if self.more else []))


def import_lines(
    paths: Sequence[Path | str],
    output: Path | str,
    *,
    label: str | None = None,
    zone: tzinfo = UTC,
    progress: Callable[[float], None] | None = None,
) -> Imported:
    """Write the polls and marks of ``paths``, in this order, to the new recording ``output``.

    ``zone`` is that of times that name none; ``label`` is the name of the first file unless given.
    Raises RecordingError if a file cannot be read, has nothing that can be used, or ``output`` is there
    already or cannot be written; MissingExtraError for packages that are not installed. Nothing is left then.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise OptionError("files", "", "must name at least one file")
    refuse_standard_output(Path(output), "a recording is written in place")
    with published_when_complete(Path(output)) as hidden:
        run = _Import(files, files[0].name.split(".")[0] if label is None else label, hidden)
        for number, path in enumerate(files):
            run.read(path, zone, lambda done, n=number: (progress or _nothing)((n + done) / len(files)))  # type: ignore[misc]
        return run.close()


def _nothing(_done: float) -> None:
    return


class _Import:
    """One import. The recording begins with the first poll or mark, whose time is that of the recording."""

    def __init__(self, files: Sequence[Path], label: str, output: Path) -> None:
        self._files = files
        self._label = label
        self._output = output
        self._clock = ReplayClock()
        self._replay = Replay(self._clock)
        self._ledger: Ledger | None = None
        self._recorder: Hdf5Recorder | None = None
        self._pending: PollLine | None = None
        self._notes = _Notes()
        self._skipped = self._mended = 0
        self._latest_utc_ns = 0

    def read(self, path: Path, zone: tzinfo, progress: Callable[[float], None]) -> None:
        """Take all of one file."""
        lines = Lines(path)
        last: bytes | None = None
        for number, line in lines:
            where = f"{shown_path(path.name)} line {number}"
            progress(lines.done)
            plain = None if line is None else line.removeprefix(codecs.BOM_UTF8)
            if number == 1:
                _refuse_other_forms(path, plain)
            if plain is not None and plain == last:
                self._skip(where, "the same as the line before")
            elif plain is None or plain.strip(b"\0 \t\r\n"):
                self._line(where, plain, zone)
            last = plain
        if lines.problem:
            self._notes.add(shown_path(path.name), lines.problem)

    def close(self) -> Imported:
        """End the recording."""
        self._flush("")
        if self._recorder is None:
            first = f"; {self._notes.sentences[0]}" if self._notes.sentences else ""
            raise RecordingError(self._files[0], "import", f"there is no poll in it{first}")
        self._recorder.close()
        return Imported(
            self._recorder.polls, self._recorder.marks, self._skipped, self._mended, self._notes.all()
        )

    def _line(self, where: str, line: bytes | None, zone: tzinfo) -> None:
        if line is None:
            self._skip(where, "the line is too long")
            return
        objects = objects_of(line)
        if len(objects) > 1:
            self._notes.add(where, f"{len(objects)} lines stand in one, and count as such")
        for one in objects:
            self._object(where, one, zone)

    def _object(self, where: str, line: bytes, zone: tzinfo) -> None:
        try:
            found = parse_line(line, zone, self._latest_utc_ns)
        except ValueError as error:
            torn = "" if line.endswith(b"\n") else "it is torn: "
            self._skip(where, f"{torn}{error}")
            return
        if isinstance(found, Mark):
            self._flush(where)
            self._open(found.received_utc_ns).write_mark(found)
            return
        self._latest_utc_ns = found.utc_ns
        if found.mended:
            self._mended += 1
            if self._mended == 1:
                self._notes.add(where, "its JSON was mended, as that of all lines like it")
        self._poll(where, found)

    def _poll(self, where: str, found: PollLine) -> None:
        """Lines of one server each are gathered until one of them comes again."""
        if not found.single:
            self._flush(where)
            self._write(where, found)
        elif self._pending is None or self._pending.replies.keys() & found.replies.keys():
            self._flush(where)
            self._pending = found
        else:
            self._pending = structs.replace(self._pending, replies=self._pending.replies | found.replies)

    def _flush(self, where: str) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._write(where, pending)

    def _write(self, where: str, found: PollLine) -> None:
        back = self._clock.go_to(found.utc_ns) if self._recorder else self._begin(found.utc_ns)
        if back:
            self._notes.add(where, f"the clock goes back by {back / 1e9:g} s")
        self._ledger = self._ledger or Ledger(self._clock)
        snapshot = self._ledger.account(self._replay.poll(found.replies))
        for server in snapshot.servers:
            if server.failure is Failure.REPLY:
                self._notes.add(where, f"{server.name}: {server.reason}")
        self._open(found.utc_ns, found.replies).write(_without_guesses(snapshot))

    def _begin(self, utc_ns: int) -> int:
        self._clock.go_to(utc_ns)
        return 0

    def _open(self, utc_ns: int, replies: dict[str, Given] | None = None) -> Hdf5Recorder:
        if self._recorder is None:
            if self._ledger is None:
                self._clock.go_to(utc_ns)
            context = RecordingContext(
                label=self._label,
                targets=tuple(replies or ()),
                properties={"ImportedFrom": "\n".join(str(path) for path in self._files)},
                versions={"stem-device": version("stem-device"), "python": platform.python_version()},
            )
            part = replace(new_recording(self._clock), begun_utc_ns=utc_ns)
            self._recorder = Hdf5Recorder(
                self._output, context, part=part, clock=self._clock, explain=explain_output
            )
        return self._recorder

    def _skip(self, where: str, why: str) -> None:
        self._skipped += 1
        self._notes.add(where, f"skipped: {why}")


def _refuse_other_forms(path: Path, line: bytes | None) -> None:
    """Say what to do with a file of another form: line by line it would be thousands of sentences."""
    begin = (line or b"")[:4096].strip()
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RecordingError(
            path, "import", "it is UTF-16, as PowerShell writes it; convert it: iconv -f UTF-16 -t UTF-8"
        )
    if begin in {b"{", b"[", b"[{"}:
        filters = "jq -c ." if begin == b"{" else "jq -c '.[]'"
        raise RecordingError(
            path, "import", f"its JSON is spread over several lines; make it one object a line: {filters}"
        )


def _without_guesses(snapshot: Snapshot) -> Snapshot:
    """How long an answer took is in no line."""
    servers = tuple(structs.replace(server, round_trip_seconds=_NAN) for server in snapshot.servers)
    return replace(snapshot, servers=servers)
