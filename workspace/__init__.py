"""A person's folder as one object: index, settings and templates, agents wired to their models."""
