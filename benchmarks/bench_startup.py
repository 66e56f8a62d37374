"""What it costs to start: CPU time (user and system) of short commands against Python that does nothing.

Bytecode is compiled beforehand, as it is after the first run of an installation. For "stem check" there is a
second floor, "import tango", below which no Tango client can come.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from stage import machine

STEM = "from stem_device.cli import main; main()"
NOWHERE = "tango://127.0.0.1:1/a/b/c"
"""Refuses at once, so that only the work of the client counts."""
CONTESTANTS = {
    "python -c pass": ("pass",),
    "import tango": ("import tango",),
    "stem --version": (STEM, "--version"),
    "stem --help": (STEM, "--help"),
    "stem monitor --help": (STEM, "monitor", "--help"),
    "stem check": (STEM, "check", NOWHERE),
}
LIMITS = {"stem --version": 0.3, "stem --help": 0.3, "stem check": 0.5}
"""Seconds, on a machine that does nothing else."""


def cpu_seconds(arguments: tuple[str, ...], environment: dict[str, str]) -> float:
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", *arguments],
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="each command is started this often, in turns")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as bytecode:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for arguments in CONTESTANTS.values():
            cpu_seconds(arguments, environment)
        turns = [
            {name: cpu_seconds(arguments, environment) for name, arguments in CONTESTANTS.items()}
            for _ in range(rounds)
        ]
    median = {name: statistics.median(turn[name] for turn in turns) for name in CONTESTANTS}
    print(machine())
    for name, seconds in median.items():
        limit = f", limit {LIMITS[name]} s" if name in LIMITS else ""
        print(
            f"{name:20} {seconds:.3f} s of CPU, "
            f"{seconds / median['python -c pass']:5.1f} times python -c pass, "
            f"{seconds / median['import tango']:.2f} times import tango{limit}"
        )


if __name__ == "__main__":
    main()
