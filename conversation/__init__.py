"""A conversation over a workspace: its tools, what the person means, answers and threads."""
