"""`taxonaut evaluate`."""
