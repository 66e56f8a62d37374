"""A busy machine is no failure: hypothesis sets no time limit of its own here; pytest has one."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
