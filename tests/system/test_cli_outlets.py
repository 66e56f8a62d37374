"""``stem monitor -o`` on a disk that hangs: the polls go on, and what the file lacks is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.errors import StemError
from stem_device.reading.validation import validate
from tests.system.harness import ServerFactory
from tests.system.stem_process import PROGRAM, stem

pytest.importorskip("h5py")
pytest.importorskip("typer")

HANGING = f"from tests.system.hanging_disk_event_monitor import hang_to_order; hang_to_order(); {PROGRAM}"
ROOT = Path(__file__).parents[2]


def test_a_disk_that_hangs_costs_no_poll_and_is_told(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    target, hang = servers(), tmp_path / "hang"
    arguments = ("monitor", target.name, "-p", "0.1", "-c", "80", "-o", "run.h5")
    environment = {"HANG_FILE": str(hang), "PYTHONPATH": str(ROOT)}
    with stem(
        tmp_path, *arguments, tango_host=database.tango_host, program=HANGING, environment=environment
    ) as run:
        wait_until(lambda: _recorded(tmp_path / "run.h5") >= 3, "three polls in the file")
        hang.touch()
        assert run.wait() == 1, run.errors
        assert len(run.kinds("poll")) == 80
        assert int(run.kinds("outlet")[-1]["dropped"]) >= 1
        assert "run.h5 was not closed: the disk does not answer; it lacks" in run.errors
        assert run.kinds("summary"), "and the verdict is told"
    with open_recording(tmp_path / "run.h5") as recording:
        polls = recording["polls"]["poll"].tolist()
    assert polls == list(range(polls[0], polls[0] + len(polls)))
    assert len(polls) >= 3


def _recorded(path: Path) -> int:
    """Polls in a recording that is being written."""
    try:
        with open_recording(path) as recording:
            return len(recording["polls"]["poll"])
    except StemError:  # it is not there yet
        return 0


def test_what_waits_is_written_when_the_disk_goes_on(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    target, hang = servers(), tmp_path / "hang"
    arguments = ("monitor", target.name, "-p", "0.1", "-c", "25", "-o", "run.h5")
    environment = {"HANG_FILE": str(hang), "PYTHONPATH": str(ROOT)}
    with stem(
        tmp_path, *arguments, tango_host=database.tango_host, program=HANGING, environment=environment
    ) as run:
        run.wait_for("poll number=5 ")
        hang.touch()
        run.wait_for("poll number=15 ")
        hang.unlink()
        assert run.wait() == 0, run.errors
        shown = len(run.kinds("poll"))
    assert validate(tmp_path / "run.h5") == ()
    with open_recording(tmp_path / "run.h5") as recording:
        assert len(recording["polls"]["poll"]) == shown == 25
