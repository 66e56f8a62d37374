"""A subscriber that is slow because of its garbage collector, and whose telemetry shows it.

``python -m stem_device.demo.collecting INSTANCE`` runs the server ``Collecting/INSTANCE``.

Every event leaves behind an object that refers to itself, which only the collector can free, with a finalizer
that takes its time, as one that closes a file on a slow disk does. The callbacks are quick; every
``LEFTOVERS`` events the collector stops one of them for all finalizers, and nothing is received meanwhile.
It costs next to no processor time, unlike a collector that looks through millions of objects.
"""

from __future__ import annotations

import gc
import sys
import time

from tango.server import run

from stem_device.demo.devices import Subscriber, Truth
from stem_device.tango_telemetry import timed_device

SERVER = "Collecting"
LEFTOVERS = 600
"""Between two collections; 2.4 s at 4 ms each."""


class _Leftover:
    """Refers to itself. How long its finalizer takes is what its callback is told at the time."""

    __slots__ = ("_itself", "_truth")

    def __init__(self, truth: Truth) -> None:
        self._itself = self
        self._truth = truth

    def __del__(self) -> None:
        time.sleep(self._truth.delay_seconds)


@timed_device
class Collecting(Subscriber):
    """Its delays are those of finalizers."""

    def init_device(self) -> None:
        super().init_device()
        gc.set_threshold(LEFTOVERS, *gc.get_threshold()[1:])

    def delete_device(self) -> None:
        for truth in self._truths:  # what waits for the collector is not waited for
            truth.delay_seconds = 0.0
        super().delete_device()

    def spend(self, truth: Truth) -> None:
        _Leftover(truth)


def main(arguments: list[str] | None = None) -> None:
    """Run the server; ``arguments`` without the name of the program."""
    run([Collecting], args=[SERVER, *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    main()
