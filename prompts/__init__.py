"""Prompt templates `<agent>/<task>.j2`, their loader and their variables."""
