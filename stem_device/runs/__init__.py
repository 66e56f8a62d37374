"""Runs and their phases, from the marks of a recording."""
