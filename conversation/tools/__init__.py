"""The tools of a conversation, one family per file."""
