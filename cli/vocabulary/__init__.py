"""`taxonaut vocabulary`."""
