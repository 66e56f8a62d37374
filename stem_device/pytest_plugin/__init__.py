"""Fixtures for pytest: every test a run, and what was missed during it."""
