"""Comparing two versions of a template on the same items."""
