"""`taxonaut index`."""
