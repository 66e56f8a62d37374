"""Benchmarks: each prints ratios against a peer or the floor, measured in the same run."""
