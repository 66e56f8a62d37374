"""Runs rows side by side, each with servers of its own, in one database."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.truth.lab import Lab
from tests.truth.rows import Not, Outcome, Row, judge

SLOW_PERIOD = 5.0
"""Rows with a longer period mostly wait: more of them fit side by side."""


def run_rows(
    rows: Sequence[Row], directory: Path, *, jobs: int, slow_jobs: int, done: Callable[[Outcome], None]
) -> list[Outcome]:
    """All outcomes in the order of ``rows``; ``done`` gets each as soon as there is one.

    A row leaves its journals and polls in a directory of its own below ``directory``.
    """
    tango.ApiUtil.instance()  # on the main thread: a first proxy elsewhere can crash
    outcomes: dict[str, Outcome] = {}
    pools = {False: ThreadPoolExecutor(jobs), True: ThreadPoolExecutor(slow_jobs)}
    with EmbeddedDatabase(directory) as database, pools[False], pools[True]:
        futures: list[Future[Outcome]] = [
            pools[row.period > SLOW_PERIOD].submit(_run, row, index, database, directory)
            for index, row in enumerate(rows)
        ]
        for future in as_completed(futures):
            outcome = future.result()
            outcomes[outcome.row] = outcome
            done(outcome)
    return [outcomes[row.name] for row in rows]


def _run(row: Row, index: int, database: EmbeddedDatabase, directory: Path) -> Outcome:
    with tango.EnsureOmniThread():
        return run_row(row, index, database, directory)


def run_row(row: Row, index: int, database: EmbeddedDatabase, directory: Path) -> Outcome:
    """One row; a row whose servers do not do what they are told is wrong, and says where."""
    own = directory / _directory_name(row.name)
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    lab = Lab(database, own, index, row.period)
    try:
        expect = row.play(lab)
        return judge(row, lab, expect)
    except Not as reason:
        return Outcome(row.name, not_run=str(reason))
    except Exception as error:  # noqa: BLE001 - a row that breaks must not end the others
        (own / "error.txt").write_text(traceback.format_exc())
        return Outcome(row.name, not_run=f"{type(error).__name__}: {error}"[:200], wrong=("broke off",))
    finally:
        lab.close()


def _directory_name(row: str) -> str:
    return "".join(c if c.isalnum() or c in ".@" else "-" for c in row)
