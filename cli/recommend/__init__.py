"""`taxonaut recommend`."""
