"""For all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes depends on what else the machine does; pytest-timeout limits the whole test.
settings.register_profile("stem", deadline=None)
settings.load_profile("stem")
