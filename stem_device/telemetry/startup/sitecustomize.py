"""What ``stem trace`` puts in front of a Python program, and of the Python programs that it starts.

Python imports it before anything of the program. A ``sitecustomize`` of the machine runs after it, as always.
"""

import atexit
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1]


def _load(spec: ModuleSpec | None, name: str) -> None:
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


def _package() -> None:
    """stem_device itself, also for an interpreter that does not have it; nothing else of our environment."""
    if importlib.util.find_spec("stem_device") is None:
        places = [str(PACKAGE)]
        init = PACKAGE / "__init__.py"
        spec = importlib.util.spec_from_file_location("stem_device", init, submodule_search_locations=places)
        _load(spec, "stem_device")


def _start() -> None:
    _package()
    from stem_device import telemetry

    telemetry.start(
        os.environ["STEM_TELEMETRY_DIRECTORY"],
        os.environ.get("STEM_TELEMETRY_RUNTIME") == "1",
        os.environ.get("STEM_TELEMETRY_PROFILER", "off"),
    )
    sample = telemetry.start_duration_sample()

    def ended() -> None:
        program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
        telemetry.stop_duration_sample(f"{program} [program]", sample)

    atexit.register(ended)


def _the_next_one() -> None:
    """The ``sitecustomize`` that ours has hidden."""
    sys.path[:] = [one for one in sys.path if one and Path(one).resolve() != HERE]
    _load(PathFinder.find_spec("sitecustomize", sys.path), "sitecustomize")


try:
    _start()
except Exception as error:  # the program runs all the same
    sys.stderr.write(f"stem trace: {sys.executable} runs without telemetry: {error!r}\n")
_the_next_one()
