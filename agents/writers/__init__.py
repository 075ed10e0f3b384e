"""Agents that write texts: definitions, keywords, changes, reasons."""
