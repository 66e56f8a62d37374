"""Reports of what the monitor saw: computed here as frozen records, rendered as lines or tables."""
