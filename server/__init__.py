"""Services over an open workspace, for other programs."""
