"""Every kind of stream, as in the suite of the monitor, with the servers that are examined."""

from tests.system.test_ground_truth_no_database import *  # noqa: F403
from tests.system.test_ground_truth_streams import *  # noqa: F403
