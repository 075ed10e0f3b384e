"""Classifying items by walking the index, and explaining the walk."""
