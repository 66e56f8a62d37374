"""Reading recordings: one or many files as one, columns as arrays, Snapshots."""
