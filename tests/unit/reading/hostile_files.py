"""Files made to harm those who open them, each from a copy of a good recording; and what reads them all.

Run as a program it lets every command have a go at the files that standard input names, each in a process
of its own whose address space is limited, and prints a line of JSON a command, and one of the memory taken.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import socket
import sys
import threading
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ADDRESS_SPACE_BYTES = 6 << 30
"""numpy, h5py and plotly reserve 1 to 2 GB of it without ever using it."""
ROWS = 1 << 30
"""Of 8 bytes: 8.6 GB."""

Harm = Callable[[Path, Path], None]
"""Changes the good recording (first argument); the second is a directory for whatever else is needed."""


def _in(file_work: Callable[[Any], object]) -> Harm:
    def harm(path: Path, _: Path) -> None:
        with h5py.File(path, "r+") as file:
            file_work(file)

    return harm


def _replaced(where: str, make: Callable[[Any, str, Path], None]) -> Harm:
    """``make`` puts something else in the place of the object ``where``."""

    def harm(path: Path, directory: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.move(where, "/was")
            make(file, where, directory)
            del file["was"]

    return harm


def _soft(file: Any, where: str, _: Path) -> None:
    file.copy("was", "/entry/copy")
    file[where] = h5py.SoftLink("/entry/copy")


def _external(file: Any, where: str, directory: Path) -> None:
    with h5py.File(directory / "other.h5", "w") as other:
        file.copy("was", other, "data")
    file[where] = h5py.ExternalLink(str(directory / "other.h5"), "/data")


def _external_pipe(file: Any, where: str, directory: Path) -> None:
    os.mkfifo(directory / "pipe.h5")
    file[where] = h5py.ExternalLink(str(directory / "pipe.h5"), "/data")


def _loop(file: Any, where: str, _: Path) -> None:
    file[where] = h5py.SoftLink(where)


def _virtual(file: Any, where: str, directory: Path) -> None:
    """Of a growing source, which HDF5 looks for as soon as it is asked for the shape."""
    os.mkfifo(directory / "source.h5")
    was = file["was"]
    layout = h5py.VirtualLayout(shape=was.shape, maxshape=(None,), dtype=was.dtype)
    source = h5py.VirtualSource(
        str(directory / "source.h5"), "data", shape=was.shape, dtype=was.dtype, maxshape=(None,)
    )
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    file.create_virtual_dataset(where, layout)


def _stored_outside(file: Any, where: str, directory: Path) -> None:
    secret = directory / "secret"
    secret.write_bytes(b"\1" * 4096)
    was = file["was"]
    size = max(was.size, 1) * was.dtype.itemsize
    file.create_dataset(where, was.shape, was.dtype, external=[(str(secret), 0, size)])


def _longer(*tables: str, rows: int = ROWS, ends: bool = False) -> Harm:
    """All columns are said to have ``rows``; ``ends``: those of the last poll are said to go that far."""

    def work(file: Any) -> None:
        for table in tables:
            for column in file[f"entry/{table}"].values():
                column.resize((rows,))
            if ends:
                file[f"entry/polls/{table}_end"][-1] = rows

    return _in(work)


def _full_of_zeros(*tables: str, rows: int) -> Harm:
    """Not only said: they have these rows, compressed as well as can be."""

    def work(file: Any) -> None:
        for table in tables:
            for name, column in file[f"entry/{table}"].items():
                chunk = column.chunks[0]
                first = -(-column.shape[0] // chunk) * chunk
                data = zlib.compress(bytes(chunk * column.dtype.itemsize), 9)
                column.resize((rows,))
                for begin in range(first, rows if name in {"poll", "server", "text"} else first, chunk):
                    column.id.write_direct_chunk((begin,), data)

    return _in(work)


def _cell(where: str, value: Any, row: int = -1) -> Harm:
    return _in(lambda file: file[f"entry/{where}"].__setitem__(row, value))


def _column(where: str, value: Any) -> Harm:
    return _in(lambda file: file[f"entry/{where}"].__setitem__(slice(None), value))


def _made_anew(where: str, **how: Any) -> Harm:
    def work(file: Any) -> None:
        values = how.pop("data", None)
        del file[f"entry/{where}"]
        file.create_dataset(f"entry/{where}", data=values, **how)

    return _in(work)


def _swollen(path: Path, _: Path) -> None:
    """A chunk of 8 kB that inflates to 1.2 GB."""
    squeeze = zlib.compressobj(9)
    block = bytes(1 << 24)
    data = b"".join(squeeze.compress(block) for _ in range(72)) + squeeze.flush()
    with h5py.File(path, "r+") as file:
        file["entry/polls/time_utc_ns"].id.write_direct_chunk((0,), data)


def _compressed_twice(path: Path, _: Path) -> None:
    with h5py.File(path, "r+") as file:
        rows = len(file["entry/polls/time_utc_ns"])
        del file["entry/polls/time_utc_ns"]
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk((1 << 20,))
        how.set_deflate(9)
        how.set_deflate(9)
        space = h5py.h5s.create_simple((rows,), (h5py.h5s.UNLIMITED,))
        kind = h5py.h5t.NATIVE_INT64
        made = h5py.h5d.create(file["entry/polls"].id, b"time_utc_ns", kind, space, how)
        once = zlib.compress(bytes(1 << 28), 9)
        made.write_direct_chunk((0,), zlib.compress(once, 9))


def _large_chunks(path: Path, _: Path) -> None:
    with h5py.File(path, "r+") as file:
        rows = len(file["entry/polls/time_utc_ns"])
        del file["entry/polls/time_utc_ns"]
        made = file.create_dataset(
            "entry/polls/time_utc_ns", (rows,), "<i8", maxshape=(None,), chunks=(1 << 28,), compression="gzip"
        )
        made.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 20), 9))


def _many_names_of_one_text(file: Any) -> None:
    """Every element is the same 100 kB of the file: 100,000 of them are 10 GB."""
    del file["entry/context/targets"]
    made = file.create_dataset("entry/context/targets", (100_000,), h5py.string_dtype())
    made[0] = "x" * 100_000
    made[1:] = ""


def _endless_attribute(file: Any) -> None:
    del file.attrs["stem_format_version"]
    file.attrs.create("stem_format_version", np.zeros(8000, "S8"))


def _many_groups(file: Any) -> None:
    group = file["entry"].create_group("more")
    for number in range(10_100):
        group[str(number)] = file["entry/title"]


def _one_text_that_ends_far_out(file: Any) -> None:
    for column in file["entry/texts"].values():
        column.resize((1,))
    file["entry/texts/end"][0] = 2**63 - 1
    file["entry/polls/texts_end"][-1] = 1


INSIDE: dict[str, Harm] = {
    "soft link for a column": _replaced("/entry/polls/poll", _soft),
    "soft link for a table": _replaced("/entry/servers", _soft),
    "soft link to itself": _replaced("/entry/polls/poll", _loop),
    "external link for a column": _replaced("/entry/polls/poll", _external),
    "external link for a table": _replaced("/entry/polls", _external),
    "external link for everything": _replaced("/entry", _external),
    "external link to a pipe": _replaced("/entry/polls/time_utc_ns", _external_pipe),
    "external link in the context": _replaced("/entry/context/label", _external),
    "virtual data set": _replaced("/entry/polls/poll", _virtual),
    "virtual text": _replaced("/entry/context/end_time", _virtual),
    "data in another file": _replaced("/entry/polls/poll", _stored_outside),
    "text in another file": _replaced("/entry/context/end_time", _stored_outside),
    "compressed twice": _compressed_twice,
    "chunks of 2 GB": _large_chunks,
    "10,100 names": _in(_many_groups),
}
"""Not read by anybody, validate and recover included."""

TOO_LONG: dict[str, Harm] = {
    "chunk that swells": _swollen,
    "8.6 GB of polls": _longer("polls"),
    "8.6 GB of one column": _in(lambda file: file["entry/polls/poll"].resize((ROWS,))),
    "names without end": _longer("names", rows=1 << 27),
    "marks without end": _longer("marks"),
    "subscriptions without end": _longer("subscriptions", ends=True),
    "samples without end": _longer("subscriber_samples", "publisher_samples", ends=True),
    "texts without end": _longer("texts", ends=True),
    "8.6 GB of targets": _made_anew("context/targets", shape=(1 << 20,), dtype="S8192", fillvalue=b"x"),
    "8.6 GB of end times": _made_anew("context/end_time", shape=(1 << 28,), dtype="S32", fillvalue=b"x"),
    "8.6 GB of a number": _made_anew("context/part", shape=(1 << 30,), dtype="<i8", fillvalue=1),
    "one text as many names": _in(_many_names_of_one_text),
    "attribute of 8000 texts": _in(_endless_attribute),
    "polls full of zeros": _full_of_zeros("polls", rows=1 << 24),
    "names full of zeros": _full_of_zeros("names", rows=1 << 22),
}
"""Says to have more than it can have, or more than the reader's memory."""

_HUGE, _LEAST = 2**63 - 1, -(2**63)

ABSURD: dict[str, Harm] = {
    "rows of servers end at the last number": _cell("polls/servers_end", _HUGE),
    "rows of streams end far out": _cell("polls/streams_end", 1 << 40),
    "rows of samples end before they begin": _cell("polls/subscriber_samples_end", _LEAST),
    "rows end below zero": _column("polls/servers_end", -5),
    "texts end far out": _in(_one_text_that_ends_far_out),
    "a poll in the year 2262": _cell("polls/time_utc_ns", _HUGE),
    "polls before 1970": _column("polls/time_utc_ns", _LEAST),
    "a poll after the end of the clock": _cell("polls/monotonic_ns", _HUGE),
    "pushed more than can be": _cell("streams/pushed", _HUGE),
    "received less than nothing": _cell("subscriptions/received_delta", _LEAST),
    "missed more than can be": _cell("subscriptions/missed_delta", _HUGE),
    "overdue more than can be": _column("subscriptions/overdue", _HUGE),
    "samples of a server more than can be": _cell("servers/subscriber_samples", _HUGE),
    "a name far out": _cell("subscriptions/topic", 2**31 - 1),
    "a name below zero": _cell("servers/server", -(2**31)),
    "a state that is none": _cell("servers/state", 0),
    "a mark in the year 2262": _cell("marks/emitted_utc_ns", _HUGE),
    "a mark that is none": _cell("marks/kind", 0),
    "a mark before 1970": _cell("marks/received_utc_ns", _LEAST),
    "part without end": _made_anew("context/part", data=_HUGE),
    "begun in the year 9999": _made_anew("context/recording_start_time", data="9999-12-31T23:59:59Z"),
    "ended in the year 9999": _made_anew("context/end_time", data=np.array([b"9999-12-31T23:59:59Z"])),
    "the first name continues one": _cell("names/continues", 1, 0),
    "polls of another type": _made_anew("polls/poll", data=np.array(["a"] * 12, "S3")),
    "polls as texts of any length": _made_anew("polls/poll", data=["a"] * 12, dtype=h5py.string_dtype()),
    "polls of two dimensions": _made_anew("polls/poll", data=np.zeros((12, 2), np.int64)),
    "samples of infinite length": _column("subscriber_samples/micros_since_last_event", np.inf),
    "pauses of endless length": _column("publisher_samples/micros_since_last_event", 1e300),
}
"""Numbers that cannot be true."""


def _a_pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _a_socket(path: Path, directory: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(directory, os.O_PATH)  # a path of a socket has 108 characters
        made.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


def _a_directory(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_device(path: Path, _: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _a_link_to_a_pipe(path: Path, directory: Path) -> None:
    path.unlink()
    os.mkfifo(directory / "pipe")
    path.symlink_to(directory / "pipe")


ODD: dict[str, Harm] = {
    "pipe": _a_pipe,
    "link to a pipe": _a_link_to_a_pipe,
    "socket": _a_socket,
    "directory": _a_directory,
    "device": _a_device,
}
"""No regular files."""


def _lines(*lines: bytes) -> Harm:
    def harm(path: Path, _: Path) -> None:
        path.unlink()
        with gzip.open(path.with_suffix(".jsonl.gz"), "wb", 9) as file:
            for line in lines:
                file.write(line)

    return harm


def _line_of_zeros(path: Path, _good: Path) -> None:
    path.unlink()
    with gzip.open(path.with_suffix(".jsonl.gz"), "wb", 9) as file:
        block = bytes(1 << 24)
        for _ in range(60):
            file.write(block)


_REPLY = b'{"time": "2026-11-22T04:00:0%d.1Z", "replies": {"a/b/c": {"data": %s}}}\n'
_COUNTERS = b'{"server": {"event_counters": {"tango://h:1/a/b/c.change": %d}, "perf": null}, "client": null}'

LINES: dict[str, Harm] = {
    "a line of 1 GB": _line_of_zeros,
    "a line of 200 MB": _lines(
        b'{"time": "2026-11-22T04:00:00Z", "replies": {"a": {"error":"', b"x" * 200_000_000, b'"}}}\n'
    ),
    "brackets without end": _lines(b'{"time": ' + b"[" * 5_000_000 + b"\n"),
    "the year 9999": _lines(b'{"time": "9999-12-31T23:59:59Z", "replies": {}}\n'),
    "the year 2262": _lines(
        b'{"time": "2262-04-11T23:47:16Z", "replies": {}}\n', b'{"time": "2262-04-12", "replies": {}}\n'
    ),
    "counters of 70 bits": _lines(_REPLY % (1, _COUNTERS % 2**70), _REPLY % (2, _COUNTERS % 2**63)),
    "mark of the last moment": _lines(
        *(
            b'{"time": "2026-11-22T04:00:00Z", "mark": {"kind": "begin", "run": "r", "name": "begin", '
            b'"emitted_utc_ns": %d, "received_utc_ns": %d, "received_monotonic_ns": %d, "iteration": %d}}\n'
            % numbers
            for numbers in (
                (2**63, 1, 1, 1),
                (1, 2**64, 1, 1),
                (1, 1, 2**63, 1),
                (1, 1, 1, 2**63),
                (-1, -1, -1, -5),
            )
        )
    ),
}
"""For ``stem import``."""


def commands(path: Path, directory: Path) -> dict[str, list[str]]:
    """What a user would type, by command."""
    name = str(path)
    return {
        "stats": ["stats", name],
        "report": ["report", name, "-o", str(directory / "page.html")],
        "compare": ["compare", name, name],
        "runs": ["runs", name],
        "why": ["why", name],
        "export": ["export", name, "-o", str(directory / "out.jsonl")],
        "export to csv": ["export", name, "-o", str(directory / "out.csv")],
        "import": ["import", name, "-o", str(directory / "imported.h5")],
        "validate": ["validate", name],
        "recover": ["recover", name, "-o", str(directory / "saved.h5")],
    }


def _followed(path: Path) -> None:
    from stem_device import open_recording

    with open_recording(path) as recording:
        for _ in recording.follow(timeout_seconds=0.0, stop=threading.Event()):
            pass


def _served(path: Path) -> None:
    """What `stem serve` gives of it; its page is that of `stem report`."""
    from stem_device.catalogue import Details
    from stem_device.web.recorded import RecordedSource

    source = RecordedSource([path])
    try:
        assert source.metrics("", Details.ALL).body
        assert source.snapshot().servers is not None
    finally:
        source.close()


def _read(path: Path) -> None:
    """Every column of every table."""
    from stem_device import open_recording

    with open_recording(path) as recording:
        assert recording.sources
        for name in recording.tables:
            table = recording[name]
            for column in table:
                if table.is_name(column) or column == "text":
                    assert len(table[column]) == len(table)
                else:
                    assert len(table.masked(column)) == len(table)


def attack(path: Path, directory: Path, wanted: set[str]) -> None:
    """Let the commands have a go at ``path``; in a process of its own, for its memory is limited for good."""
    from typer.testing import CliRunner

    from stem_device.cli.app import app
    from stem_device.errors import StemError

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    for name, arguments in commands(path, directory).items():
        if wanted and name not in wanted:
            continue
        done = CliRunner().invoke(app, arguments)
        failure = done.exception if not isinstance(done.exception, SystemExit) else None
        trace = "".join(traceback.format_exception(failure)) if failure else ""
        _tell(
            command=name, code=done.exit_code, stdout=done.stdout[-500:], stderr=done.stderr, traceback=trace
        )
    readings = [("follow", _followed, path), ("read", _read, path), ("serve", _served, path)]
    for name, made in (("read the recovered", "saved.h5"), ("read the imported", "imported.h5")):
        if (directory / made).exists():
            readings.append((name, _read, directory / made))
    for name, work, given in readings:
        if wanted and name not in wanted and given == path:
            continue
        code, told, trace = 0, "", ""
        try:
            work(given)
        except StemError as error:
            code, told = 1, f"stem: {error}"
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            code, trace = 1, traceback.format_exc()
        _tell(command=name, code=code, stdout="", stderr=told, traceback=trace)
    who = {"self": resource.RUSAGE_SELF, "children": resource.RUSAGE_CHILDREN}
    _tell(memory={name: resource.getrusage(one).ru_maxrss * 1024 for name, one in who.items()})


def main() -> None:
    """One line ``FILE<tab>DIRECTORY[<tab>COMMAND]...`` an attack, until standard input ends.

    What is slow to import is imported once; each attack is a fork.
    """
    import plotly.graph_objects  # noqa: F401

    import stem_device.cli.app
    import stem_device.cli.compare_session
    import stem_device.cli.conversions
    import stem_device.cli.report_session
    import stem_device.cli.runs_session
    import stem_device.cli.stats_session
    import stem_device.cli.why_session
    import stem_device.web.recorded  # noqa: F401

    for line in sys.stdin:
        path, directory, *wanted = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            attack(Path(path), Path(directory), set(wanted))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _tell(ended=os.waitstatus_to_exitcode(status))


def _tell(**line: Any) -> None:
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(line) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main()
