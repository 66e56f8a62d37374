"""``stem grafana``: dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stem_device.cli.failures import failures_told

EPILOG = """Examples:

  stem grafana grafana    # for a Grafana and a Prometheus of this machine

  stem grafana grafana --prometheus http://prometheus.example:9090

  GF_PATHS_PROVISIONING=$PWD/grafana/provisioning grafana server    # shows them

Exit codes: 0 done, 1 a file cannot be written, 2 wrong usage.
"""


def grafana(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to write them.")],
    prometheus: Annotated[
        str, typer.Option("--prometheus", metavar="URL", help="Where Grafana finds Prometheus.")
    ] = "http://localhost:9090",
    opentsdb: Annotated[
        str,
        typer.Option(
            "--opentsdb", metavar="URL", help="Where Grafana finds the HTTP port of a monitor, or stem serve."
        ),
    ] = "http://localhost:4242",
    dashboards: Annotated[
        str,
        typer.Option(
            "--dashboards",
            metavar="PATH",
            help="Where Grafana sees DIRECTORY/dashboards, if that is another path.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Write dashboards for Grafana, and the files that tell it of them and of its data sources.

    dashboards/prometheus and dashboards/opentsdb have the dashboards, provisioning what Grafana reads at its
    start. Files of these names that are there already are replaced, nothing else is touched.
    """
    with failures_told():
        from stem_device.cli.grafana_session import run_grafana  # noqa: PLC0415 - imports numpy

        raise typer.Exit(run_grafana(directory, prometheus, opentsdb, dashboards))
