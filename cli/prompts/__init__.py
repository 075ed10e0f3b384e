"""`taxonaut prompts`."""
