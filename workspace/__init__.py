"""A person's folder opened as one object: index, settings and templates, with the agents wired to their models."""
