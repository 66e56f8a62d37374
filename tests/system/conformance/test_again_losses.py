"""Losses, as in the suite of the monitor, with the servers that are examined."""

from tests.system.test_device_losses import *  # noqa: F403
from tests.system.test_ground_truth_losses import *  # noqa: F403
