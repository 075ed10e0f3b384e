"""A conversation over a workspace: tools, language understanding, answers, threads."""
