"""Real servers for the system tests: started on loopback, driven by commands, stopped by their id."""

from tests.system.harness.accountant import Accountant, push_until_received, settle
from tests.system.harness.network import DividedNetwork
from tests.system.harness.servers import KEPT_AT_ONCE, Publisher, Server, ServerFactory, Subscriber, Truth

__all__ = [
    "KEPT_AT_ONCE",
    "Accountant",
    "DividedNetwork",
    "Publisher",
    "Server",
    "ServerFactory",
    "Subscriber",
    "Truth",
    "push_until_received",
    "settle",
]
