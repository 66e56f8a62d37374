"""OpenTSDB, both ways: its queries answered from polls and recordings, and points pushed to others."""
