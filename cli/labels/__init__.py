"""`taxonaut labels`."""
