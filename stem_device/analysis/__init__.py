"""What the numbers amount to: computed once, the same for live and for recorded data."""
