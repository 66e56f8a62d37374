"""What Grafana reads at its start: where the data is, and where the dashboards are."""

from __future__ import annotations

import json

from stem_device.grafana.query import Flavour

FOLDER = "/etc/grafana/dashboards"
"""Where Grafana finds the dashboards, unless somebody says otherwise."""

_DATA_SOURCES = """\
# Made by: stem grafana
apiVersion: 1
datasources:
  - name: stem-device (Prometheus)
    uid: stem-prometheus
    type: prometheus
    access: proxy
    url: {prometheus}
    jsonData:
      httpMethod: POST
  - name: stem-device (OpenTSDB)
    uid: stem-opentsdb
    type: opentsdb
    access: proxy
    url: {opentsdb}
    jsonData:
      tsdbVersion: 3
      tsdbResolution: 2
      lookupLimit: 1000
"""
_PROVIDER = """\
# Made by: stem grafana
apiVersion: 1
providers:
  - name: stem-device
    folder: Tango events
    type: file
    allowUiUpdates: true
    options:
      path: {folder}
"""


def data_sources(urls: dict[Flavour, str]) -> str:
    """YAML for ``provisioning/datasources``."""
    return _DATA_SOURCES.format(
        prometheus=json.dumps(urls[Flavour.PROMETHEUS]), opentsdb=json.dumps(urls[Flavour.OPENTSDB])
    )


def provider(folder: str = FOLDER) -> str:
    """YAML for ``provisioning/dashboards``; ``folder`` is where Grafana sees the dashboards."""
    return _PROVIDER.format(folder=json.dumps(folder))
