"""Every check: a file that breaks one rule of the format is told to break that one, and no other."""

from __future__ import annotations

import lzma
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.errors import RecordingError
from stem_device.reading.validation import Finding, Severity, isolated, validate
from stem_device.reading.validation.checking import CHECKS, findings
from stem_device.recording import format as spec
from tests.unit.reading.conversion_recording import LONG_NAME, POLLS, write

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

OLD = Path(__file__).parents[2] / "data" / "recording-1.1.h5.xz"

Corruption = Callable[[Any], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("good") / "good.h5")


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good, tmp_path / "copy.h5"))


def set_row(path: str, row: int, value: Any) -> Corruption:
    def corrupt(file: Any) -> None:
        file[path][row] = value

    return corrupt


def set_attribute(path: str, name: str, value: Any) -> Corruption:
    return lambda file: file[path].attrs.__setitem__(name, value)


def drop(path: str) -> Corruption:
    return lambda file: file.__delitem__(path)


def instead(path: str, value: Any) -> Corruption:
    """Another data set in place of this one, with the same attributes."""

    def corrupt(file: Any) -> None:
        attributes = dict(file[path].attrs)
        del file[path]
        file[path] = value
        file[path].attrs.update(attributes)

    return corrupt


def garble(path: str, chunk: int) -> Corruption:
    """Another content for one stored chunk: no gzip any more."""

    def corrupt(file: Any) -> None:
        dataset = file[path]
        dataset.id.write_direct_chunk((chunk * dataset.chunks[0],), b"\1" * 40, filter_mask=0)

    return corrupt


def shorten(path: str, rows: int) -> Corruption:
    return lambda file: file[path].resize(file[path].shape[0] - rows, axis=0)


def both(*corruptions: Corruption) -> Corruption:
    def corrupt(file: Any) -> None:
        for one in corruptions:
            one(file)

    return corrupt


def name_that_continues(file: Any) -> None:
    names = file["entry/names"]
    row = int(np.flatnonzero(names["continues"][:])[0])
    assert names["text"][row - 1].decode() == LONG_NAME[:192]
    file["entry/channels/publisher"][5] = row


def twice_the_same_server(file: Any) -> None:
    servers = file["entry/servers/server"]
    remaining, gone = servers[:2]
    servers[1] = remaining
    # What belonged to the other one would have no server any more.
    for table in ("streams", "subscriptions", "channels", "publisher_samples", "subscriber_samples"):
        owner, end = file[f"entry/{table}/server"], file[f"entry/polls/{table}_end"][0]
        owner[:end] = np.where(owner[:end] == gone, remaining, owner[:end])


def samples_that_change_places(file: Any) -> None:
    """The last sample of one server and the first of the next one, in one poll."""
    servers = file["entry/subscriber_samples/server"]
    own = servers[: file["entry/polls/subscriber_samples_end"][0]]
    row = int(np.flatnonzero(np.diff(own))[0])
    servers[row : row + 2] = own[[row + 1, row]]


def first_poll_with_the_number_of_the_second(file: Any) -> None:
    polls = file["entry/polls"]
    number = polls["poll"][1]
    polls["poll"][0] = number
    for table in spec.ROW_TABLES:
        if end := int(polls[f"{table.name}_end"][0]):
            file[f"entry/{table.name}/poll"][:end] = number


def name_that_is_no_text(file: Any) -> None:
    file["entry/names/text"][file["entry/streams/stream"][0]] = b"\xff\xfe"


def no_failure(file: Any) -> None:
    file["entry/servers/failure"][3] = file["entry/servers/state"][3]


CORRUPTIONS = {
    "format_name": set_attribute("/", "stem_format", "something else"),
    "format_version": set_attribute("/", "stem_format_version", "2.0"),
    "root": set_attribute("/", "file_time", "yesterday"),
    "groups": drop("entry/workspace"),
    "entry": instead("entry/entry_identifier", "no uuid"),
    "context_lists": instead("entry/context/version_values", np.array([b"1", b"2"])),
    "end_time": set_row("entry/context/end_time", 0, b"soon"),
    "timeline": both(
        drop("entry/timeline/overdue"), lambda file: file.__setitem__("entry/timeline/overdue", [0])
    ),
    "tables": set_attribute("entry/problems", "NX_class", "NXdata"),
    "columns": drop("entry/servers/age_seconds"),
    "column_types": instead("entry/servers/age_seconds", np.zeros(3 * POLLS, dtype=np.float32)),
    "column_attributes": set_attribute("entry/servers/age_seconds", "units", "h"),
    "sizes": lambda file: file["entry/servers/age_seconds"].resize((1 << 32,)),
    "chunks": garble("entry/streams/pushed", 0),
    "lengths": shorten("entry/subscriptions/overdue", 2),
    "poll_numbers": first_poll_with_the_number_of_the_second,
    "poll_times": both(
        set_row("entry/polls/monotonic_ns", 5, 0), set_row("entry/polls/time", 5, -5000.0),
    ),
    "poll_seconds": set_row("entry/polls/time", 5, np.nan),
    "ends": set_row("entry/polls/problems_end", 60, 0),
    "row_polls": set_row("entry/streams/poll", 17, 4),
    "row_servers": lambda file: set_row("entry/streams/server", 17, file["entry/streams/stream"][0])(file),
    "server_once": twice_the_same_server,
    "sample_servers": samples_that_change_places,
    "totals": set_row("entry/polls/missed_total", 0, 10**6),
    "flags": set_row("entry/servers/sampling", 3, 2),
    "counts": set_row("entry/subscriptions/received_delta", 3, -1),
    "floats": set_row("entry/servers/round_trip_seconds", 3, np.inf),
    "coverage": set_row("entry/polls/sample_coverage", 3, 1.5),
    "name_rows": name_that_continues,
    "name_texts": name_that_is_no_text,
    "states": lambda file: set_row("entry/servers/state", 3, file["entry/servers/server"][0])(file),
    "codes": lambda file: set_row("entry/subscriptions/link", 3, file["entry/servers/server"][0])(file),
    "kinds": lambda file: set_row("entry/marks/kind", 1, file["entry/marks/run"][0])(file),
    "texts": set_row("entry/texts/characters", 0, 7),
}  # fmt: skip


def told(path: Path) -> list[Finding]:
    return list(findings(path))


def violated(path: Path) -> set[str]:
    return {finding.check for finding in told(path) if finding.severity is Severity.VIOLATION}


def test_a_good_file_has_nothing_to_tell(good: Path) -> None:
    assert told(good) == []
    assert validate(good) == ()


def test_every_check_has_a_corruption() -> None:
    assert {check.__name__ for check in CHECKS} == set(CORRUPTIONS)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_exactly_that_violation_is_told(name: str, copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        CORRUPTIONS[name](file)
    assert violated(copy) == {name}


@pytest.mark.parametrize(
    ("corrupt", "name", "words"),
    [
        (set_row("entry/subscriptions/topic", 3, -1), "name_rows", "row 3"),
        (no_failure, "codes", "servers/failure row 3 is none of"),
        (set_row("entry/subscriptions/topic", 3, 10**6), "name_rows", "row 3"),
        (set_row("entry/subscriptions/overdue", 3, -2), "counts", "below -1"),
        (set_row("entry/marks/iteration", 1, -2), "counts", "below -1"),
        (set_row("entry/marks/run", 1, -1), "name_rows", "row 1"),
        (set_row("entry/names/continues", 0, 1), "name_texts", "continues what is not there"),
        (drop("entry/marks"), "tables", "missing"),
        (set_attribute("entry", "NX_class", "NXdata"), "groups", "NXentry"),
        (instead("entry/context/part", 0), "entry", "not a number from 1"),
        (instead("entry/servers/age_seconds", np.zeros((3 * POLLS, 1))), "column_types", "2 dimensions"),
        (set_row("entry/servers/publisher_samples", 0, 10**6), "sample_servers", "row 0 is not the number"),
        (shorten("entry/names/text", 1), "lengths", "names/text"),
        (garble("entry/polls/time", 0), "chunks", "64 of 70 rows"),
        (set_row("entry/texts/end", 0, 10**6), "texts", "is lower"),
    ],
)  # fmt: skip
def test_other_ways_to_break_a_rule(corrupt: Corruption, name: str, words: str, copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        corrupt(file)
    (sentence,) = [f"{one.where} {one.message}" for one in told(copy) if one.check == name]
    assert words in sentence


def test_many_wrong_rows_are_one_sentence(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file["entry/subscriptions/missed_delta"][2:900] = -5
    (finding,) = told(copy)
    assert (finding.check, finding.where) == ("counts", "/entry/subscriptions/missed_delta")
    assert finding.message == "row 2 is below 0 (and so are 897 more)"


def test_none_is_legal_where_the_format_has_it(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        for path in (
            "subscriptions/overdue",
            "subscriptions/last_resubscribed",
            "marks/queue",
            "marks/iteration",
            "servers/asked_utc_ns",
            "servers/asked_monotonic_ns",
        ):
            file[f"entry/{path}"][0] = -1
        file["entry/servers/age_seconds"][0] = file["entry/servers/round_trip_seconds"][0] = np.nan
    assert told(copy) == []


def test_what_may_be_missing_in_a_later_version_may_not_in_an_older_one(tmp_path: Path) -> None:
    old = tmp_path / "old.h5"
    old.write_bytes(lzma.decompress(OLD.read_bytes()))
    assert told(old) == []
    with h5py.File(old, "r+") as file:
        file["entry/servers/asked_utc_ns"][0] = -1
    (finding,) = told(old)
    assert (finding.check, finding.where) == ("counts", "/entry/servers/asked_utc_ns")


def test_version_1_0_has_no_marks_and_later_ones_may_have_more(copy: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.h5"
    old.write_bytes(lzma.decompress(OLD.read_bytes()))
    with h5py.File(old, "r+") as file:
        del file["entry/marks"]
        file.attrs["stem_format_version"] = "1.0"
    assert told(old) == []
    with h5py.File(copy, "r+") as file:
        del file["entry/marks"]
        file["entry"].create_group("novelties")
        file.attrs["stem_format_version"] = "1.7"
    found = told(copy)
    assert {(one.check, one.severity.value) for one in found} == {
        ("format_version", "note"),
        ("tables", "violation"),
    }


def test_a_file_that_was_never_closed_and_a_clock_that_was_set_are_notes(good: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "open.h5", close=False)
    with h5py.File(path, "r+") as file:
        file["entry/polls/time_utc_ns"][3] = 5
        for column in file["entry/problems"].values():  # as if the writer had died within a poll
            column.resize(column.shape[0] + 1, axis=0)
    found = told(path)
    assert {one.check for one in found} == {"end_time", "poll_times", "lengths"}
    assert {one.severity for one in found} == {Severity.NOTE}


def test_an_empty_recording_is_valid(tmp_path: Path) -> None:
    assert told(write(tmp_path / "empty.h5", [])) == []


@pytest.mark.parametrize("content", [b"", b"nothing like HDF5" * 100])
def test_what_is_no_hdf5_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(content)
    (finding,) = validate(tmp_path / "x.h5")
    assert finding.check == "opens"


def test_hdf5_of_somebody_else_is_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = [1, 2]
    assert {"format_name", "format_version", "groups"} <= violated(tmp_path / "x.h5")


def test_no_file_and_no_permission(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        validate(tmp_path / "nothing.h5")
    with pytest.raises(RecordingError, match="is a directory"):
        validate(tmp_path)


def test_damage_is_told_and_never_crashes(good: Path, tmp_path: Path) -> None:
    """Random bits flipped, random ends cut off. HDF5 itself dies of about one such file in a hundred."""
    chance = random.Random(20261122)
    data = good.read_bytes()
    paths = []
    for number in range(20):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 4, 40])):
            # Most of the file is compressed rows; its structure is at the beginning.
            place = chance.randrange(len(data) if number % 3 == 0 else 60_000)
            damaged[place] ^= 1 << chance.randrange(8)
        if number % 5 == 4:
            del damaged[chance.randrange(len(damaged)) :]
        paths.append(tmp_path / f"{number}.h5")
        paths[-1].write_bytes(damaged)
    numbers, todo = [], paths
    while todo:
        results = check_all(todo)
        numbers += results
        todo = todo[len(results) :]
        if todo:  # HDF5 died of the next one
            assert "crashed" in validate(todo[0])[-1].message
            numbers.append(1)
            todo = todo[1:]
    assert sum(number > 0 for number in numbers) > 6  # most damage is noticed


def check_all(paths: list[Path]) -> list[int]:
    """How many findings each file has, up to the one that HDF5 dies of."""
    program = [sys.executable, "-c", _CHECK_ALL, *map(str, paths)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode in {0, -11, -6, -8}, done.stderr
    return [int(line) for line in done.stdout.splitlines()]


_CHECK_ALL = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from stem_device.reading.validation.checking import findings
for path in sys.argv[1:]:
    print(len(list(findings(Path(path)))), flush=True)
"""


def test_the_reference_lists_every_check() -> None:
    page = Path(__file__).parents[3] / "docs/reference/validation.md"
    listed = re.findall(r"^\| `(\w+)` \|", page.read_text(), flags=re.M)
    assert listed == ["opens", *(check.__name__ for check in CHECKS)]


def test_a_file_that_grew_meanwhile_is_checked_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = [[Finding("chunks", "/", "moved")], [Finding("end_time", "/", "open", Severity.NOTE)]]

    def check(path: Path, _limit: float) -> list[Finding]:
        with path.open("ab") as file:
            file.write(b"more")
        return results.pop(0)

    monkeypatch.setattr(isolated, "_from_child", check)
    assert [one.check for one in validate(copy)] == ["end_time"]
    assert results == []


def test_a_crash_of_hdf5_is_told(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = tmp_path / "dying"
    dying.write_text("#!/bin/sh\nkill -SEGV $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    (finding,) = validate(copy)
    assert (finding.check, "crashed" in finding.message) == ("opens", True)
