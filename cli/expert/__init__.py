"""`taxonaut expert`."""
