"""`taxonaut feedback`."""
