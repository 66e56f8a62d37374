"""Durations of all stages of 1000 test runs: from a recording, and from rows as objects (SQLAlchemy, SQLite).

Each run has eight marks. The peers have a table of runs and one of marks with an index on the run, and
compute in Python: once as such code is mostly written (the marks of a run are loaded when asked for), and
once with all marks loaded together. Opening the file, or the database, is part of every time. Times are of
CPU, so that other processes do not matter; nothing here waits for a disk.

    python benchmarks/bench_stage_durations.py [runs, 1000 if not given]
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import BigInteger, ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
from stage import machine, table, verdict

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device import open_recording
from stem_device.model.mark import Mark as RecordedMark
from stem_device.runs import durations, group_statistics, runs_of, stages
from tests.unit.runs_marks import mark
from tests.unit.synthetic_recording import Plan, write_recording

NAMES = ("begin", "requested", "queued", "flashed", "booted", "tested", "published", "end")
TARGET_MILLISECONDS = 10.0
REPEATS = 15
Durations = dict[str, list[float]]
"""Seconds of each run, by ``later - earlier``."""


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    device_group: Mapped[str]
    marks: Mapped[list[Mark]] = relationship(back_populates="run", order_by="Mark.emitted_utc_ns")


class Mark(Base):
    __tablename__ = "marks"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    name: Mapped[str]
    emitted_utc_ns: Mapped[int] = mapped_column(BigInteger)
    run: Mapped[Run] = relationship(back_populates="marks")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as directory:
        recording, database = Path(directory) / "runs.h5", f"sqlite:///{directory}/runs.sqlite"
        marks = planned(runs)
        in_order = sorted(marks, key=lambda one: one.received_utc_ns)
        polls = 20
        share = -(-len(marks) // polls)
        by_poll = {poll: in_order[poll * share : (poll + 1) * share] for poll in range(polls)}
        write_recording(recording, Plan(polls=polls, samples=0, marks=by_poll))
        fill(database, marks)
        compare(recording, database, runs)


def compare(recording: Path, database: str, runs: int) -> None:
    expected = by_objects(database, together=True)
    assert sum(map(len, expected.values())) == runs * (len(NAMES) - 1)
    with open_recording(recording) as opened:
        known = runs_of(opened)
        ways: dict[str, Callable[[], object]] = {
            "recording, file opened each time": lambda: by_columns(recording),
            "objects, marks of a run when asked for": lambda: by_objects(database, together=False),
            "objects, all marks loaded together": lambda: by_objects(database, together=True),
            "  all statistics of device groups, file opened": lambda: groups(recording),
            "  stages alone, runs in memory": lambda: stages(known).seconds,
            "  one expression alone, runs in memory": lambda: durations(known, "tested - flashed").seconds,
        }
        assert by_columns(recording) == expected == by_objects(database, together=False)
        found = in_turns(ways)
    own, lazy, eager = list(found.values())[:3]
    rows = [("durations of all stages", "CPU ms, best", "median")]
    rows += [(name, f"{best:.2f}", f"{median:.2f}") for name, (best, median) in found.items()]
    print(machine())
    table(f"{runs} runs with {len(NAMES)} marks each", rows)
    reached = verdict(own[0] < TARGET_MILLISECONDS)
    print(f"from the file: {own[0]:.1f} ms of CPU (target: under {TARGET_MILLISECONDS:g} ms): {reached}")
    print(f"objects take {lazy[0] / own[0]:.0f} times as long, loaded together {eager[0] / own[0]:.0f} times")


def by_columns(path: Path) -> Durations:
    """From the file: the durations as arrays; only the check against the others makes lists of them."""
    with open_recording(path) as recording:
        found = stages(recording)
        seconds = found.seconds
    return _Lazily(found.earlier, found.later, found.names, seconds)


class _Lazily(dict[str, list[float]]):
    """Arrays that are compared as lists, so that the lists are no part of the time."""

    def __init__(self, *arrays: np.ndarray) -> None:
        super().__init__()
        self._arrays = arrays

    def __eq__(self, other: object) -> bool:
        earlier, later, names, seconds = self._arrays
        labels = [f"{names[b]} - {names[a]}" for a, b in zip(earlier, later, strict=True)]
        found: Durations = {}
        for label, value in zip(labels, seconds.tolist(), strict=True):
            found.setdefault(label, []).append(value)
        return found == other

    __hash__ = None  # type: ignore[assignment]


def by_objects(database: str, *, together: bool) -> Durations:
    """An object a row, and plain arithmetic over the objects."""
    engine = create_engine(database)
    query = select(Run).order_by(Run.id)
    if together:
        query = query.options(selectinload(Run.marks))
    found: Durations = {}
    with Session(engine) as session:
        for run in session.scalars(query):
            for earlier, later in zip(run.marks, run.marks[1:], strict=False):
                seconds = (later.emitted_utc_ns - earlier.emitted_utc_ns) / 1e9
                found.setdefault(f"{later.name} - {earlier.name}", []).append(seconds)
    engine.dispose()
    return found


def groups(path: Path) -> object:
    with open_recording(path) as recording:
        return group_statistics(recording)


def planned(runs: int) -> list[RecordedMark]:
    """Runs that overlap, with marks that come late now and then."""
    random = np.random.default_rng(1)
    lengths = np.cumsum(random.uniform(0.1, 60, (runs, len(NAMES))), axis=1)
    late = random.choice([0, 0, 0, 30], lengths.shape)
    return [
        mark(
            f"nightly/{number:05}",
            name,
            number + float(lengths[number, position]),
            received=number + float(lengths[number, position] + late[number, position]),
            device_group=f"group {number % 5}",
            requestor=f"user {number % 11}",
            request_id=str(number // 2),
        )
        for number in range(runs)
        for position, name in enumerate(NAMES)
    ]


def fill(database: str, marks: list[RecordedMark]) -> None:
    """The runs are in the order of their first mark, as those of a recording."""
    engine = create_engine(database)
    Base.metadata.create_all(engine)
    runs: dict[str, Run] = {}
    with Session(engine) as session:
        for one in sorted(marks, key=lambda one: one.emitted_utc_ns):
            run = runs.setdefault(one.run, Run(name=one.run, device_group=str(one.device_group)))
            if not run.marks:
                session.add(run)
                session.flush()
            run.marks.append(Mark(name=one.name, emitted_utc_ns=one.emitted_utc_ns))
        session.commit()
    engine.dispose()


def in_turns(ways: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """The best and the median of several times of each way, in turns so that all meet the same conditions."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            gc.collect()
            begin = time.process_time()
            way()
            times[name].append((time.process_time() - begin) * 1e3)
    return {name: (min(own), float(np.median(own))) for name, own in times.items()}


if __name__ == "__main__":
    main()
