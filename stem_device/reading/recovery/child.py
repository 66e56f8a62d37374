"""The process that reads a damaged file: HDF5 may die of it, and take this process along."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from stem_device.errors import RefusedFileError
from stem_device.reading.recovery.journal import Journal, Recovery, Told
from stem_device.reading.recovery.mended import open_mended
from stem_device.reading.recovery.plan import Planner
from stem_device.reading.recovery.rewriting import Rewriter
from stem_device.reading.recovery.tails import SalvagedFile
from stem_device.recording import format as spec
from stem_device.recording.gate import limit_memory, refuse_all_outside

MEMORY_BYTES = 8 << 30
LEAST_CPU_SECONDS = 300
BYTES_A_CPU_SECOND = 100_000
"""Damaged pointers may lead HDF5 round in circles; recovering takes a tenth of the time that this allows."""


def rewrite(path: Path, output: Path, journal: Journal) -> Recovery:
    """Recover ``path`` to the new file ``output``; OSError or ValueError if nothing can be recovered."""
    hdf5, mended = open_mended(path)
    with hdf5:
        refuse_all_outside(hdf5, path)
        file = SalvagedFile(hdf5, path)
        plan = Planner(file, journal).plan()
        if plan.polls and not plan.keep.any():
            raise ValueError(f"none of its {plan.polls} polls can be read")
        Rewriter(file, plan, journal, output).write()
        marks = file.shortest(spec.MARKS) if spec.MARKS in file.tables else 0
    return Recovery(
        polls=int(plan.keep.sum()),
        polls_found=plan.polls,
        marks=int(plan.marks.sum()),
        marks_found=marks,
        lost=(*mended, *journal.sentences()),
    )


def main() -> None:
    """``child.py FILE OUTPUT [PATH INSIDE THAT KILLED AN EARLIER ATTEMPT]...``"""
    limit_memory(MEMORY_BYTES)
    path = Path(sys.argv[1])
    seconds = LEAST_CPU_SECONDS + path.stat().st_size // BYTES_A_CPU_SECOND
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    journal = Journal(sys.argv[3:])
    try:
        told = Told(result=rewrite(path, Path(sys.argv[2]), journal))
    except RefusedFileError as error:
        told = Told(refused=error.reason, error=error.advice)
    except (OSError, ValueError) as error:
        told = Told(error=str(error))
    journal.tell(told)


if __name__ == "__main__":
    main()
