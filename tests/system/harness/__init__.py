"""Real servers for the system tests: started on loopback, driven by commands, stopped by their id."""

from collections.abc import Callable

from stem_device.polling import Poller
from tests.system.harness.accountant import FLOOD, Accountant, flood, lose, push_until_received, settle
from tests.system.harness.freezing import freeze
from tests.system.harness.network import DividedNetwork
from tests.system.harness.servers import KEPT_AT_ONCE, Publisher, Server, ServerFactory, Subscriber, Truth
from tests.system.harness.victoria_metrics import VictoriaMetrics

MakePoller = Callable[..., Poller]
"""``poller(*targets, **options)`` makes one; the fixture of that name closes it."""

__all__ = [
    "FLOOD",
    "KEPT_AT_ONCE",
    "Accountant",
    "DividedNetwork",
    "MakePoller",
    "Publisher",
    "Server",
    "ServerFactory",
    "Subscriber",
    "Truth",
    "VictoriaMetrics",
    "flood",
    "freeze",
    "lose",
    "push_until_received",
    "settle",
]
