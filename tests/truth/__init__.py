"""Ground truth on real servers: what the product says, beside what really happened.

``python -m tests.truth`` runs every row and prints the table of docs/reference/ground-truth.md.
"""
