"""Dashboards for Grafana, made of the catalogue, and the files that put them there."""

from __future__ import annotations

import json

from stem_device.grafana.contents import DASHBOARDS
from stem_device.grafana.provisioning import FOLDER, data_sources, provider
from stem_device.grafana.query import Flavour

__all__ = ["DASHBOARDS", "FOLDER", "Flavour", "dashboard_files", "grafana_files"]


def dashboard_files(flavour: Flavour) -> dict[str, str]:
    """The JSON of each dashboard, by the name of its file."""
    return {
        f"stem-{one.name}-{flavour}.json": json.dumps(one.document(flavour), indent=1) + "\n"
        for one in DASHBOARDS
    }


def grafana_files(urls: dict[Flavour, str], folder: str = FOLDER) -> dict[str, str]:
    """All files, by path. ``urls`` are those under which Grafana reaches its data sources.

    ``folder`` is where Grafana sees the directory ``dashboards``.
    """
    files = {
        f"dashboards/{flavour}/{name}": text
        for flavour in Flavour
        for name, text in dashboard_files(flavour).items()
    }
    files["provisioning/datasources/stem-device.yaml"] = data_sources(urls)
    files["provisioning/dashboards/stem-device.yaml"] = provider(folder)
    return files
