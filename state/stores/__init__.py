"""What a workspace stores next to the index, one family of tables per module."""
