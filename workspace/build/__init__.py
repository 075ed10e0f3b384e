"""Building, growing and changing the index."""
