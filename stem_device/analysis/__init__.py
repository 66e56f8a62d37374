"""What the numbers mean: a verdict and its causes, computed once, the same for live and for recorded data."""
