"""Frozen records that pass between the layers."""
