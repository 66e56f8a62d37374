"""Files made to harm their readers: refused in one sentence, within the memory that readers may take."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

h5py = pytest.importorskip("h5py")
pytest.importorskip("plotly")
pytestmark = [pytest.mark.extras, pytest.mark.timeout(600)]

from stem_device import open_recording  # noqa: E402
from stem_device.errors import OptionError, RefusedFileError  # noqa: E402
from stem_device.model.limits import MAX_READ_BYTES, max_read_bytes  # noqa: E402
from stem_device.model.mark import Mark, MarkKind  # noqa: E402
from stem_device.recording.gate import Budget  # noqa: E402
from tests.unit.reading import hostile_files  # noqa: E402 - needs h5py
from tests.unit.reading.hostile_files import ABSURD, INSIDE, LINES, ODD, TOO_LONG, Harm, commands  # noqa: E402
from tests.unit.synthetic_recording import START_UTC_NS, Loss, Outage, Plan, write_recording  # noqa: E402

MOST_BYTES = 1_000_000_000
READERS = [*commands(Path(), Path()), "follow", "read", "serve"]
OPENERS = [name for name in READERS if name != "import"]
"""Of recordings; ``import`` reads lines, and says of HDF5 that it has none."""

SAMPLE = {
    "external link to a pipe",
    "virtual data set",
    "8.6 GB of polls",
    "pushed more than can be",
    "a name far out",
    "the year 2262",
    "counters of 70 bits",
}
"""One of each kind; the others are more of the same."""

Outcomes = dict[str, dict[str, Any]]


def grouped(names: Iterable[str]) -> list[Any]:
    """The names, all tests of each in one worker: what came of a file is remembered there."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"hostile: {name}")) for name in names]


def sampled(names: Iterable[str]) -> list[Any]:
    """The same, those beyond the sample marked as such."""
    return [
        one if name in SAMPLE else pytest.param(name, marks=[*one.marks, pytest.mark.matrix])
        for name, one in zip(names, grouped(names), strict=True)
    ]


class Attacker:
    """Lets every command have a go at each file once, and remembers what came of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Outcomes] = {}
        self._numbers = itertools.count()
        self._good = folder / "good.h5"
        write_recording(self._good, _plan())
        self._program = subprocess.Popen(
            [sys.executable, "-W", "error", hostile_files.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def outcomes(self, name: str, harm: Harm) -> Outcomes:
        """By command, and ``memory``."""
        if name not in self._known:
            self._known[name] = self._attack(name, harm)
        return self._known[name]

    def close(self) -> None:
        self._program.kill()
        self._program.communicate()

    def _attack(self, name: str, harm: Harm) -> Outcomes:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        path = folder / "a.h5"
        shutil.copy(self._good, path)
        harm(path, folder)
        wanted = []
        if name in LINES:
            path, wanted = path.with_suffix(".jsonl.gz"), ["import"]
        assert self._program.stdin
        assert self._program.stdout
        self._program.stdin.write("\t".join([str(path), str(folder), *wanted]) + "\n")
        self._program.stdin.flush()
        outcomes: Outcomes = {}
        for line in self._program.stdout:
            told = json.loads(line)
            if "ended" in told:
                assert told["ended"] == 0, f"the reader died: {outcomes}"
                break
            outcomes[told.get("command", "memory")] = told
        shutil.rmtree(folder)
        return outcomes


def _plan() -> Plan:
    def mark(kind: MarkKind, seconds: int) -> Mark:
        at = START_UTC_NS + seconds * 10**9
        return Mark(
            kind=kind, run="r", name=kind, emitted_utc_ns=at, received_utc_ns=at, received_monotonic_ns=at
        )

    return Plan(
        polls=12,
        servers=2,
        streams=2,
        subscriptions=2,
        samples=5,
        losses=(Loss(5, 0, 0, 30),),
        outages=(Outage(3, 1, 2),),
        marks={2: [mark(MarkKind.BEGIN, 25)], 6: [mark(MarkKind.END, 65)]},
    )


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    made = Attacker(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


def harmless(outcome: dict[str, Any]) -> str:
    """What the command said; it must have ended as commands do."""
    assert not outcome["traceback"], outcome["traceback"]
    assert outcome["code"] in {0, 1, 2}
    told: str = outcome["stderr"]
    if outcome["code"]:
        assert told.startswith("stem: ") or " violation" in outcome["stdout"], outcome
    return told


def check_memory(outcomes: Outcomes) -> None:
    for who, taken in outcomes["memory"]["memory"].items():
        assert taken < MOST_BYTES, f"{who} took {taken:,} bytes"


def test_a_good_file_is_read_by_all(attacker: Attacker) -> None:
    outcomes = attacker.outcomes("good", lambda _path, _folder: None)
    assert {name: outcomes[name]["code"] for name in OPENERS} == dict.fromkeys(OPENERS, 0)
    check_memory(outcomes)


@pytest.mark.parametrize("reader", OPENERS)
@pytest.mark.parametrize("name", sampled(INSIDE))
def test_what_is_stored_elsewhere_is_followed_by_nobody(attacker: Attacker, name: str, reader: str) -> None:
    outcomes = attacker.outcomes(name, INSIDE[name])
    assert outcomes[reader]["code"] == 1
    told = harmless(outcomes[reader])
    assert "cannot read" in told
    assert any(
        words in told for words in ("is a link to", "virtual", "another file", "fill the memory", "names")
    )
    check_memory(outcomes)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", grouped(ODD))
def test_what_is_no_regular_file_is_refused_at_once(attacker: Attacker, name: str, reader: str) -> None:
    outcome = attacker.outcomes(name, ODD[name])[reader]
    told = harmless(outcome)
    if (name, reader) == ("directory", "compare"):  # takes directories of recordings
        assert (outcome["code"], "there is no recording" in told) == (2, True)
    else:
        assert (outcome["code"], "directory" in told or "no regular file" in told) == (1, True)


@pytest.mark.parametrize("name", sampled([*TOO_LONG, *ABSURD]))
def test_nobody_believes_what_cannot_be_true(attacker: Attacker, name: str) -> None:
    outcomes = attacker.outcomes(name, (TOO_LONG | ABSURD)[name])
    for reader in READERS:
        harmless(outcomes[reader])
    check_memory(outcomes)
    assert any(outcomes[reader]["code"] for reader in OPENERS)
    if outcomes["read"]["code"]:
        assert outcomes["validate"]["code"] == 1, "the reader refuses what is told to be valid"


@pytest.mark.parametrize("name", sampled([*TOO_LONG, *ABSURD]))
def test_what_was_recovered_can_be_read(attacker: Attacker, name: str) -> None:
    outcomes = attacker.outcomes(name, (TOO_LONG | ABSURD)[name])
    if outcomes["recover"]["code"] == 0:
        assert outcomes["read the recovered"]["code"] == 0, outcomes["read the recovered"]


@pytest.mark.parametrize("name", sampled(LINES))
def test_lines_that_cannot_be_true(attacker: Attacker, name: str) -> None:
    outcomes = attacker.outcomes(name, LINES[name])
    harmless(outcomes["import"])
    check_memory(outcomes)
    if outcomes["import"]["code"] == 0:
        assert outcomes["read the imported"]["code"] == 0, outcomes["read the imported"]


def test_who_trusts_a_file_may_allow_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    write_recording(path, Plan(polls=3))
    TOO_LONG["polls full of zeros"](path, tmp_path)
    with pytest.raises(RefusedFileError, match=MAX_READ_BYTES):
        open_recording(path)
    open_recording(path, max_read_bytes=20 * MOST_BYTES).close()
    monkeypatch.setenv(MAX_READ_BYTES, str(20 * MOST_BYTES))
    open_recording(path).close()


def test_the_option_of_the_command_reaches_the_processes_that_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_recording(path, Plan(polls=3))
    TOO_LONG["polls full of zeros"](path, tmp_path)
    stem = [sys.executable, "-c", "from stem_device.cli import main; main()"]
    for more, words in (([], "could take more than"), (["--max-read-bytes", "50000000000"], "falls")):
        done = subprocess.run(
            [*stem, *more, "stats", str(path)], capture_output=True, text=True, check=False, timeout=300
        )
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("told", ["0", "-1", "much", "1e9", "²"])
def test_a_limit_is_a_number_of_bytes(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MAX_READ_BYTES, told)
    with pytest.raises(OptionError, match=MAX_READ_BYTES):
        max_read_bytes()


def test_what_a_file_may_make_its_reader_take() -> None:
    budget = Budget(Path("a.h5"), file_bytes=10_000_000, max_bytes=1_000_000_000)
    budget.check("short", 1 << 17, 8, 1 << 30)  # a megabyte harms nobody
    budget.check("as long as the file", 10_000_000, 8, 1 << 30)  # nobody is surprised by that
    budget.check("long, and little memory", 20_000_000, 8, 50)
    with pytest.raises(RefusedFileError, match="could take more than 1,000,000,000 bytes of memory"):
        budget.check("long, and much memory", 20_000_000, 8, 51)
    budget.check("compressed as well as can be", 1_290_000_000, 8, 0)
    with pytest.raises(RefusedFileError, match="cannot have"):
        budget.check("compressed better than can be", 1_290_000_001, 8, 0)
