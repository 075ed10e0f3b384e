"""`taxonaut learn`: learn from labelled items, and go through what was learned."""
