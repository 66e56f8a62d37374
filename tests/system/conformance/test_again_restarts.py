"""Restarts and events of the engine, as in the suite of the monitor, with the servers that are examined."""

from tests.system.test_ground_truth_engine import *  # noqa: F403
from tests.system.test_ground_truth_restarts import *  # noqa: F403
