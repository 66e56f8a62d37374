"""Statistics of recordings, and their comparison."""
