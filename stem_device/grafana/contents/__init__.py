"""What the dashboards show."""

from stem_device.grafana.contents.overview import OVERVIEW
from stem_device.grafana.contents.recording import RECORDING
from stem_device.grafana.contents.server import SERVER
from stem_device.grafana.contents.subscription import SUBSCRIPTION
from stem_device.grafana.dashboard import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (OVERVIEW, SERVER, SUBSCRIPTION, RECORDING)
