"""What commands that take a while share: a progress bar, and an end by Ctrl-C that leaves nothing behind.

A second Ctrl-C ends them at once, and leaves nothing behind but where the disk hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from stem_device.cli.exit_codes import ExitCode
from stem_device.cli.failures import tell
from stem_device.cli.interrupts import interrupts_raised
from stem_device.reading.publish import remove_incomplete

Result = TypeVar("Result")
Tell = Callable[[float], None]
"""Takes the share that is done, 0 to 1."""


@contextmanager
def progress_bar(what: str) -> Iterator[Tell]:
    """A bar on standard error while that is a terminal; nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done: None  # a bar that is disabled still writes an empty line (rich 13.9)
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda done: bar.update(task, completed=done)


def run_to_the_end(what: str, work: Callable[[Tell], Result], report: Callable[[Result], None]) -> ExitCode:
    """Do ``work`` with a progress bar and report; if a signal ends it, say that nothing was written."""
    finished = False
    with interrupts_raised(_undo):
        with progress_bar(what) as progress:
            result = work(progress)
        report(result)
        finished = True
    if not finished:
        tell("interrupted; nothing was written")
    return ExitCode.OK if finished else ExitCode.FAILED


def _undo() -> None:
    """What is quick to do before a second signal ends the program: the bar hides the cursor."""
    remove_incomplete()
    Console(stderr=True).show_cursor()
