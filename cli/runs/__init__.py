"""`taxonaut runs`: what was worked on, what models were asked for it, and what that cost."""
