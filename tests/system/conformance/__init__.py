"""What every server that can be monitored must answer; see README.md of patched_pytango for how to run it."""
