"""The simulated weather station of the demo, from the descriptions that tango-simlib brings along.

``python -m stem_device.demo.weather INSTANCE`` runs the server ``Weather/INSTANCE``.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import resources

from tango.server import run

from stem_device.errors import MissingExtraError, StemError

SERVER = "Weather"
DESCRIPTIONS = ("Weather.xmi", "Weather_SimDD.json")


class WeatherError(StemError):
    """tango-simlib is installed, but cannot be used. ``reason`` is what Python says."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"tango-simlib cannot be used: {reason}")
        self.reason = reason


def main(arguments: list[str] | None = None) -> None:
    """Run the server; ``arguments`` without the name of the program.

    Raises MissingExtraError, WeatherError.
    """
    try:
        from tango_simlib.tango_sim_generator import (  # noqa: PLC0415 - an optional part
            configure_device_models,
            get_tango_device_server,
        )
    except ImportError as error:
        if importlib.util.find_spec("tango_simlib") is None:
            raise MissingExtraError("demo", "the simulated weather station") from error
        raise WeatherError(str(error)) from error

    # tango-simlib asks sys.argv for the name of the server, and the database for its devices.
    sys.argv = [SERVER, *(sys.argv[1:] if arguments is None else arguments)]
    folder = resources.files("tango_simlib") / "tests" / "config_files"
    files = [str(folder / name) for name in DESCRIPTIONS]
    models = configure_device_models(files)  # type: ignore[no-untyped-call]
    run(get_tango_device_server(models, files), args=sys.argv)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    try:
        main()
    except StemError as error:
        sys.exit(str(error))
