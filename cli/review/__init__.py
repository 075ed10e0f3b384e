"""`taxonaut review`."""
