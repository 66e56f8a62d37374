"""The simulated weather station of the demo, from the descriptions that tango-simlib brings along.

``python -m stem_device.demo.weather INSTANCE`` runs the server ``Weather/INSTANCE``.
"""

from __future__ import annotations

import sys
from importlib import resources

from tango.server import run

from stem_device.errors import MissingExtraError

SERVER = "Weather"
DESCRIPTIONS = ("Weather.xmi", "Weather_SimDD.json")


def main(arguments: list[str] | None = None) -> None:
    """Run the server; ``arguments`` without the name of the program. Raises MissingExtraError."""
    try:
        from tango_simlib.tango_sim_generator import (  # noqa: PLC0415 - an optional part
            configure_device_models,
            get_tango_device_server,
        )
    except ImportError as error:
        raise MissingExtraError("demo", "the simulated weather station") from error

    # tango-simlib asks sys.argv for the name of the server, and the database for its devices.
    sys.argv = [SERVER, *(sys.argv[1:] if arguments is None else arguments)]
    folder = resources.files("tango_simlib") / "tests" / "config_files"
    files = [str(folder / name) for name in DESCRIPTIONS]
    models = configure_device_models(files)  # type: ignore[no-untyped-call]
    run(get_tango_device_server(models, files), args=sys.argv)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
