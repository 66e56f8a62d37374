"""JSON lines: one object a poll, each reply as its server wrote it, and one object a mark.

``{"time": ISO 8601 UTC, "replies": {admin device: {"data": reply} or {"error": text}}}`` and
``{"time": ISO 8601 UTC, "mark": {field: value}}``, compressed if the name of the file ends in
``.gz`` or ``.zst``. Beside data or error stands what is known of the process that answers, see About.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from stem_device.errors import ReplyError
from stem_device.model.mark import Mark
from stem_device.model.poll import Failure, Identity, ServerState, TapFigures
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.recording.growing_file import GrowingFile
from stem_device.responses import encode_reply, merge_samples, parse_reply

_ENCODER = msgspec.json.Encoder()
_RAW = msgspec.json.Decoder(Raw)


class JsonLinesRecorder:
    """Writes every Snapshot as one line; a line is in the file when ``write`` returns.

    An existing file is continued with ``append``, otherwise refused. At any moment between two
    writes the file is complete: it survives SIGKILL, and other programs may read it meanwhile.
    Raises RecordingError from every method, and MissingExtraError for ``.zst`` without its package.
    """

    def __init__(self, path: Path | str, append: bool = False) -> None:
        self._file = GrowingFile(Path(path), append=append)
        self._polls = 0

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def polls(self) -> int:
        """Polls written by this recorder; those of an earlier one in the same file do not count."""
        return self._polls

    @property
    def bytes_written(self) -> int:
        """Bytes by which the file has grown, compressed."""
        return self._file.bytes_written

    def write(self, snapshot: Snapshot) -> None:
        self._file.write(poll_line(snapshot))
        self._polls += 1

    def write_mark(self, mark: Mark) -> None:
        self._file.write(mark_line(mark))

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()


def poll_line(snapshot: Snapshot) -> bytes:
    """The poll as one line of JSON with its line break."""
    replies = {record.name: _answer(record) for record in snapshot.servers}
    return _ENCODER.encode({"time": _iso_utc(snapshot.time_utc_ns), "replies": replies}) + b"\n"


def mark_line(mark: Mark) -> bytes:
    """The mark as one line of JSON with its line break: what was told of it, with all three times.

    ``msgspec.convert(line["mark"], Mark)`` brings it back.
    """
    told = {name: value for name, value in structs.asdict(mark).items() if value is not None}
    return _ENCODER.encode({"time": _iso_utc(mark.received_utc_ns), "mark": told}) + b"\n"


class About(Struct, frozen=True, omit_defaults=True):
    """What a reply itself does not tell of its server: see :class:`stem_device.model.poll.Answer`.

    ``pushed_before``, of a server that is tapped: by the name of a stream, what had been pushed before the
    events that this poll counts. Streams of which it counts none are left out.
    """

    failure: Failure = Failure.NONE
    identity: Identity = Identity()
    ended: bool = False
    followed: bool = False
    event_endpoints: tuple[str, ...] = ()
    heartbeat_endpoints: tuple[str, ...] = ()
    tap: TapFigures | None = None
    pushed_before: dict[str, int] = {}

    @property
    def is_tapped(self) -> bool:
        """Whether the reply is what the tap heard. A server that can be asked may be tapped besides."""
        return self.failure is Failure.UNSUPPORTED and self.tap is not None and self.tap.connected


def about(record: ServerRecord) -> About:
    """Without what a recording of an older format does not have."""
    told = {name: getattr(record, name) for name in About.__struct_fields__ if name != "pushed_before"}
    if record.state is ServerState.TAPPED:
        told["pushed_before"] = {
            one.name: one.pushed - one.published_delta for one in record.streams if one.published_delta
        }
    if record.identity.life is None or record.identity == Identity():
        del told["identity"]
    return About(**{name: value for name, value in told.items() if value is not None})


def _answer(record: ServerRecord) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(about(record))
    return {**_reply(record), **told}


def _reply(record: ServerRecord) -> dict[str, Any]:
    if not record.answered:
        return {"error": record.reason or f"no answer in this poll ({record.state})"}
    if not record.texts:
        return {"error": "the text of the reply was not kept"}
    try:
        return {"data": _data(record.texts)}
    except ReplyError as error:
        return {"error": str(error)}


def _data(texts: tuple[str, ...]) -> Raw:
    """The only reply as it came, on one line; several as one, with the samples of all."""
    if len(texts) == 1:
        return _verbatim(texts[0])
    return Raw(encode_reply(merge_samples([parse_reply(text) for text in texts])))


def _verbatim(text: str) -> Raw:
    """Well-formedness is looked at again: one bad text must not spoil the line of all servers."""
    try:
        data = text.encode()
        if "\n" in text or "\r" in text:
            data = msgspec.json.format(data, indent=-1)
        return _RAW.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ReplyError("$", str(error)) from error


def _iso_utc(utc_ns: int) -> str:
    """Microseconds are kept; ``+00:00`` is understood by every reader of ISO 8601."""
    seconds, nanos = divmod(utc_ns, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return moment.replace(microsecond=nanos // 1000).isoformat(timespec="microseconds")
