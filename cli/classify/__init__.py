"""`taxonaut classify`, `categorize` and `explain`."""
