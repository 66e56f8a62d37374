"""Faults to be found by ``stem doctor``, on real servers."""
