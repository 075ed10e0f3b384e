"""`taxonaut chat`."""
