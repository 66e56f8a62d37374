"""What scripts use to talk to a running EventMonitor."""
